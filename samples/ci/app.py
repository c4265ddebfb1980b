"""The program that the recipes in this folder judge: a table, and what requests leave of it."""

import json

TABLE = {number: f"article {number}" for number in range(20_000)}


def handle(number):
    return json.dumps({"article": TABLE[number % len(TABLE)], "request": number})


def main():
    return sum(len(handle(number)) for number in range(5_000))


if __name__ == "__main__":
    print(main())

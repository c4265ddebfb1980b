"""A little web service that leaks on one line; `make demo` runs it and explains the report.

    memtrace run -- python3 samples/demo.py [REQUESTS]

Each request is parsed, answered and forgotten, except for its trail: the line marked "leaks" holds, at
the end, exactly one block of 545 bytes for each of the 100,000 requests (512 bytes of content and the
33 bytes that any bytes object needs (49 without a GIL)). All the other lines allocate far more over
time, and give it back. The mark "warm" stands after the first 10,000 requests.
"""

import ctypes
import json
import sys

ORDERS = {f"item-{n}": {"price": n * 3, "stock": n % 17} for n in range(500)}
TRAIL = []
PADDING = b"."


def parse(text):
    return json.loads(text)


def answer(request):
    order = ORDERS[request["item"]]
    lines = [f"{key}: {value}" for key, value in sorted(order.items())]
    return "\n".join(lines * request["copies"])


def remember(request):
    note = PADDING * 512  # leaks
    TRAIL.append(note)


def handle(text):
    request = parse(text)
    remember(request)
    return len(answer(request))


def mark(name):
    library = ctypes.CDLL(None)
    if hasattr(library, "memtrace_mark"):
        library.memtrace_mark(name)


def main(requests):
    sent = 0
    for number in range(requests):
        if number == 10_000:
            mark(b"warm")
        text = json.dumps({"item": f"item-{number % 500}", "copies": 1 + number % 9})
        sent += handle(text)
    print(f"{requests} requests, {sent} characters sent")
    print(f"expected: {len(TRAIL)} blocks, {sum(map(sys.getsizeof, TRAIL))} bytes")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)

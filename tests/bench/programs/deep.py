"""Small objects made below sixty frames."""

from workload import run


def make(count):
    return [[i, str(i)] for i in range(count)]


def descend(depth, rounds):
    if depth:
        return descend(depth - 1, rounds)
    for _ in range(rounds):
        make(100)


def work(rounds):
    descend(60, rounds)


run(work, 150000)

"""Generators in chains: frames that live in blocks of their own."""

from workload import run


def numbers(limit):
    for i in range(limit):
        yield i * 3001


def pairs(source):
    for i in source:
        yield i, i + 1


def flat(source):
    for pair in source:
        yield from pair


def work(rounds):
    for _ in range(rounds):
        assert sum(flat(pairs(numbers(500)))) > 0
        assert sum(x for x in (y * 2 for y in range(500))) > 0


run(work, 10000)

"""Nothing but calls: the price of being loaded."""

from workload import run


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def work(rounds):
    for _ in range(rounds):
        fib(20)


run(work, 1200)

"""Lists, tuples, dictionaries and sets, made, grown and dropped."""

from workload import run


def build(size):
    pairs = [(i, str(i)) for i in range(size)]
    table = {name: [number] for number, name in pairs}
    return table, set(table), sorted(table, reverse=True)


def work(rounds):
    kept = []
    for i in range(rounds):
        kept.append(build(1000))
        if len(kept) > 20:
            kept = []


run(work, 3000)

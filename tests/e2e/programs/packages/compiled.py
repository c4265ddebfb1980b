"""A module that Cython has built (nodes.pyx): its blocks belong to the line of Python that calls it.

    compiled.py FOLDER OUT.json
"""

import sys
import threading

import witness

sys.path.insert(0, sys.argv[1])
import nodes  # noqa: E402

KEPT = []


def keep(size):
    KEPT.append(node := nodes.Node(size)), witness.note(node.address, size)  # kept
    return node.size


def in_threads(rounds):
    made = []
    threads = [threading.Thread(target=lambda: made.append(nodes.churn(rounds))) for _ in range(4)]  # churns
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(made)


def main():
    print(sum(keep(1500 + number) for number in range(500)))
    made = nodes.make(300, 4000)  # made
    print(len(made), sum(node.size for node in made), in_threads(100_000))
    print(sum(node.size for node in nodes.generate(1000)))
    KEPT.append(made)


main()
witness.write(sys.argv[2])

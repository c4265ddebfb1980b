"""A tree of small instances, built and dropped."""

from workload import run


class Node:
    def __init__(self, depth):
        self.depth = depth
        self.name = "node %d" % depth
        self.left = Node(depth - 1) if depth else None
        self.right = Node(depth - 1) if depth else None

    def count(self):
        return 1 + (self.left.count() + self.right.count() if self.left else 0)


def work(rounds):
    for _ in range(rounds):
        assert Node(9).count() == 1023


run(work, 3500)

"""Cycles between class instances, with the cyclic collector off.

    memtrace run -- python3 samples/cycles.py [PAIRS]

Each pair refers to each other, so that counting references never frees it, and gc.disable() keeps the
collector from doing so. Nothing in the program can reach the pairs any more. The line marked "leaks"
holds, at the end, exactly PAIRS blocks (2,000 unless told otherwise) of 1,000 bytes: 967 bytes of
content and the 33 bytes that any bytes object needs (49 without a GIL). The two lines marked "parent"
and "child" hold one instance of 48 bytes a pair each (two slots, 16 bytes of any object and 16 for the
collector).

With `python3 samples/cycles.py PAIRS collect` the collector runs once at the end: then nothing of it
is live, and the report's JSON tells the bytes that went that way (gc_freed_bytes).
"""

import gc
import sys

LETTER = b"x"


class Node:
    __slots__ = ("peer", "body")


def make_pair():
    parent = Node()  # parent
    child = Node()  # child
    parent.peer, child.peer = child, parent
    child.body = LETTER * 967  # leaks
    return sys.getsizeof(child.body)


def main(pairs, collects):
    gc.disable()
    size = 0
    for _ in range(pairs):
        size += make_pair()
    blocks = pairs
    if collects:
        gc.collect()
        blocks = size = 0
    print(f"expected: {blocks} blocks, {size} bytes")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000, sys.argv[2:] == ["collect"])

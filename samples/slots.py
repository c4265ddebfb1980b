"""What __slots__ saves for each instance.

    memtrace run -- python3 samples/slots.py [INSTANCES]
    memtrace report --focus 'make_plain$'
    memtrace report --focus 'make_slotted$'

The same three attributes, in INSTANCES (900 unless told otherwise) instances of a plain class and as
many of one with __slots__. The line marked "slotted" holds, at the end, exactly INSTANCES blocks of 56
bytes: three slots, 16 bytes of any object and 16 for the collector. What a plain instance takes is
spread over the line that makes it and the lines that set its attributes, hence --focus, which adds up
all that was called from one function:

    Python         a plain instance takes                            saved
    3.8 to 3.10    152 bytes: object 48, dictionary 64, values 40    96
    3.11           96 bytes: object 56, values 40                    40
    3.12           88 bytes: object 48, values 40                    32
    3.13 on        96 bytes: the values are inside the object        40

The first instances of a class take more, while the interpreter learns how many attributes there are:
so LEARNING of them are made before. The collection empties the interpreter's lists of spare objects,
which would otherwise lend blocks from other lines.
"""

import gc
import sys

LEARNING = 40


class Plain:
    def __init__(self, width, height, depth):
        self.width, self.height, self.depth = width, height, depth


class Slotted:
    __slots__ = ("width", "height", "depth")

    def __init__(self, width, height, depth):
        self.width, self.height, self.depth = width, height, depth


def make_plain(items):
    for index in range(len(items)):
        items[index] = Plain(1, 2, 3)  # plain


def make_slotted(items):
    for index in range(len(items)):
        items[index] = Slotted(1, 2, 3)  # slotted


def main(instances):
    plain, slotted = [None] * instances, [None] * instances
    learnt = [(Plain(1, 2, 3), Slotted(1, 2, 3)) for _ in range(LEARNING)]
    gc.collect()
    make_plain(plain)
    make_slotted(slotted)
    print(f"expected: {len(slotted)} blocks, {sum(map(sys.getsizeof, slotted))} bytes")
    return learnt, plain, slotted


KEPT = main(int(sys.argv[1]) if len(sys.argv) > 1 else 900)

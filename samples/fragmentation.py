"""Few live blocks that keep many arenas: nothing leaks, and still the memory stays.

    memtrace run -- python3 samples/fragmentation.py [TUPLES]

TUPLES three-tuples (two million unless told otherwise) are made in a row, then all but every
hundredth are dropped. The line marked "pins" holds, at the end, exactly TUPLES / 100 blocks of 64
bytes (three references, the tuple's own 24 bytes and 16 bytes for the collector; 72 from Python
3.14 on, whose tuples keep their hash), spread over all the arenas that the two million needed: next
to none of them can be given back. The report begins with that line, and with what freeing its blocks
would give back: all arenas but those that they share with blocks from before and after.
`memtrace map` draws those arenas as one row, for they are alike: of one age, nearly empty, and held by
one line.

The two collections empty the interpreter's list of spare tuples, which would otherwise lend blocks
from other lines before, and keep 2,000 of the dropped ones after.
"""

import gc
import sys


def fill(tuples):
    first, second, third = "a", "b", "c"
    items = [None] * tuples
    for index in range(tuples):
        items[index] = (first, second, third)  # pins
    return items


def main(tuples):
    gc.collect()
    gc.disable()
    items = fill(tuples)
    kept = items[::100]
    del items
    gc.collect()
    print(f"expected: {len(kept)} blocks, {sum(map(sys.getsizeof, kept))} bytes")
    return kept


KEPT = main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000)

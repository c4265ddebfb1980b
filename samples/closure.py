"""Closures that capture a large list: small functions that hold much.

    memtrace run -- python3 samples/closure.py [HANDLERS]

Each of HANDLERS functions (500 unless told otherwise) wants nothing but the length of a list of 1,000
entries, and keeps the whole list for it. The line marked "leaks" holds, at the end, exactly two blocks
for each handler: the list object of 56 bytes (40 of its own and 16 for the collector) and its buffer of
8,000 bytes (8 more without a GIL). The function, its cell and its tuple of cells are small and at the
lines that make them. Capturing `count = len(rows)` instead of `rows` would free all of it.

The collection empties the interpreter's list of spare list objects, which would otherwise lend
blocks from other lines.
"""

import gc
import sys

NOTHING = [None]
HANDLERS = []


def make_handler():
    rows = NOTHING * 1000  # leaks

    def handler():
        return len(rows)

    return handler


def captured(handler):
    return handler.__closure__[0].cell_contents


def main(handlers):
    gc.collect()
    for _ in range(handlers):
        HANDLERS.append(make_handler())
    size = sum(sys.getsizeof(captured(handler)) for handler in HANDLERS)
    print(f"expected: {2 * handlers} blocks, {size} bytes")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)

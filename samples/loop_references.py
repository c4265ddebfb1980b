"""A loop that keeps references: each turn holds on to the turn before.

    memtrace run -- python3 samples/loop_references.py [TURNS]

Only the newest page is wanted, but each link carries the one before it, "to be able to go back". After
TURNS turns (5,000 unless told otherwise) all the pages are alive through one variable. The line marked
"leaks" holds, at the end, exactly TURNS blocks of 1,000 bytes: 967 bytes of content and the 33 bytes
that any bytes object needs (49 without a GIL). The line marked "links" holds as many tuples of 56 bytes
(two references, the tuple's own 24 bytes and 16 for the collector; 64 from Python 3.14 on, whose tuples
keep their hash).

The collection empties the interpreter's list of spare tuples, which would otherwise lend blocks from
other lines.
"""

import gc
import sys

LETTER = b"x"


def browse(turns):
    newest = None
    for _ in range(turns):
        page = LETTER * 967  # leaks
        newest = (newest, page)  # links
    return newest


def main(turns):
    gc.collect()
    newest = browse(turns)
    blocks, size, link = 0, 0, newest
    while link is not None:
        link, page = link
        blocks, size = blocks + 1, size + sys.getsizeof(page)
    print(f"expected: {blocks} blocks, {size} bytes")
    return newest


NEWEST = main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000)

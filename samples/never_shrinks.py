"""A list and a dictionary that were large once, and never shrink.

    memtrace run -- python3 samples/never_shrinks.py [ENTRIES]

Both get ENTRIES entries (5,000 unless told otherwise). Then every entry of the dictionary is taken out
again, and of the list all that it can lose without giving back its buffer: it shrinks only below half.
The line marked "dictionary" holds, at the end, exactly one block, the table for ENTRIES keys with not
one in it; the line marked "list" exactly one block, the buffer for ENTRIES references and what it was
enlarged by ahead. Their sizes are what sys.getsizeof says, less the 64 and 56 bytes of an empty
dictionary and list. With 5,000 entries the table has 147,480 bytes (8 more before Python 3.11) and the
buffer 41,824 (42,976 with 3.8, 8 more without a GIL). `table = dict(table)` would free the one, `rows =
rows[:]` nearly half of the other.
"""

import sys

KEYS = list(range(1_000, 1_000_000))


def fill(keys, rows, table):
    for key in keys:
        rows.append(key)  # list
        table[key] = None  # dictionary


def drain(keys, rows, table):
    for key in keys:
        del table[key]
    while len(rows) > len(keys) // 2 + len(keys) // 8:
        rows.pop()


def main(entries):
    rows, table, keys = [], {}, KEYS[:entries]
    fill(keys, rows, table)
    drain(keys, rows, table)
    size = sys.getsizeof(rows) - sys.getsizeof([]) + sys.getsizeof(table) - sys.getsizeof({})
    print(f"expected: 2 blocks, {size} bytes")
    return rows, table


KEPT = main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000)

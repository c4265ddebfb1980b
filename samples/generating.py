"""A generator against a list: the same rows, one at a time or all at once.

    memtrace run -- python3 samples/generating.py [ROWS]

Both functions make ROWS rows (5,000 unless told otherwise) of 500 bytes: 467 bytes of content and the
33 bytes that any bytes object needs (49 without a GIL). The line marked "list" holds, at the end,
exactly ROWS blocks of 500 bytes. The line marked "generator" holds nothing: as many went through it,
and none stayed. In the report's JSON both have the same total_bytes, and all of the second's is
temporary.
"""

import sys

LETTER = b"x"


def as_list(rows):
    made = []
    for _ in range(rows):
        row = LETTER * 467  # list
        made.append(row)
    return made


def as_generator(rows):
    for _ in range(rows):
        yield LETTER * 467  # generator


def main(rows):
    kept = as_list(rows)
    lengths = sum(len(row) for row in as_generator(rows))
    assert lengths == sum(len(row) for row in kept)
    print(f"expected: {len(kept)} blocks, {sum(map(sys.getsizeof, kept))} bytes")
    return kept


KEPT = main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000)

"""Building a string piece by piece: little stays, and a lot was allocated for it.

    memtrace run -- python3 samples/string_building.py [PIECES]
    memtrace report --json

PIECES pieces (2,000 unless told otherwise) of 10 characters are put in front of a text one after the
other, each time into a new string, and then joined at once. The lines marked "piecemeal" and "joined"
both hold, at the end, exactly one block: 10 characters a piece and the 49 bytes that any ASCII string
needs (41 from Python 3.12 on, "=" at its end is one byte more). But over the run the first line
allocated PIECES blocks of every length up to there, the second no other: total_count and total_bytes
in the report's JSON.
"""

import sys

PIECE = "0123456789"


def piecemeal(pieces):
    text = "="
    for _ in range(pieces):
        text = PIECE + text  # piecemeal
    return text


def joined(pieces):
    parts = [PIECE] * pieces
    parts.append("=")
    return "".join(parts)  # joined


def main(pieces):
    texts = piecemeal(pieces), joined(pieces)
    assert texts[0] == texts[1]
    print(f"expected: {len(texts)} blocks, {sum(map(sys.getsizeof, texts))} bytes")
    return texts


KEPT = main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)

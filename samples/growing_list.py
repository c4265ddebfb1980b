"""A global list that only ever grows.

    memtrace run -- python3 samples/growing_list.py [ENTRIES]

Every request leaves one entry of 1,000 bytes in LOG, and nobody takes it out. The line marked "leaks"
holds, at the end, exactly ENTRIES blocks (20,000 unless told otherwise) of 1,000 bytes each: 967 bytes
of content and the 33 bytes that any bytes object needs (49 without a GIL). The list's own buffer is one
block more, at the line that appends.
"""

import sys

LOG = []
LETTER = b"x"


def handle(request):
    entry = LETTER * 967  # leaks
    LOG.append(entry)
    return request % 7


def main(entries):
    for request in range(entries):
        handle(request)
    print(f"expected: {len(LOG)} blocks, {sum(map(sys.getsizeof, LOG))} bytes")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)

"""File handles that nobody closes.

    memtrace run -- python3 samples/open_files.py [FILES]

Each of FILES handles (200 unless told otherwise; a process may have 1,024 as a rule) is opened, read a
little and kept. What a handle costs besides its descriptor is at the line marked "leaks": among its
blocks is exactly one of 10,000 bytes for each handle, the read buffer that `open` was told to use, so
FILES of those. The rest, some hundred bytes in a few blocks, is the two objects of the io module,
their dictionaries and a lock, which differ from one Python to the next.
"""

import sys

HANDLES = []


def first_line(path):
    handle = open(path, "rb", buffering=10_000)  # leaks
    HANDLES.append(handle)
    return handle.readline()


def main(files):
    for _ in range(files):
        first_line(__file__)
    print(f"expected: {len(HANDLES)} blocks, {10_000 * len(HANDLES)} bytes")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)

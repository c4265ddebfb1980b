"""A cache without expiry: every page that was ever asked for stays.

    memtrace run -- python3 samples/cache.py [PAGES]

Each of PAGES (10,000 unless told otherwise) different paths is rendered once and kept. The line marked
"leaks" holds, at the end, exactly PAGES blocks of 2,033 bytes: 2,000 bytes of content and the 33 bytes
that any bytes object needs (49 without a GIL). The keys are at the line that makes the path, one block
each; the dictionary's table is one block at the line that stores. After the mark "warm", half way
through, the other half is asked for: `memtrace report --from warm` shows one half only.
"""

import ctypes
import sys

LETTER = b"p"


def mark(name):
    library = ctypes.CDLL(None)
    if hasattr(library, "memtrace_mark"):
        library.memtrace_mark(name)


class Cache:
    def __init__(self):
        self.pages = {}

    def page(self, path):
        found = self.pages.get(path)
        if found is None:
            found = LETTER * 2000  # leaks
            self.pages[path] = found
        return found


def main(pages):
    cache = Cache()
    for number in range(pages):
        if number == pages // 2:
            mark(b"warm")
        for _ in range(3):
            path = f"/page/{number:06d}"
            cache.page(path)
    print(f"expected: {len(cache.pages)} blocks, {sum(map(sys.getsizeof, cache.pages.values()))} bytes")
    return cache


CACHE = main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)

"""Allocates and keeps many kinds of objects, between two moments that can be compared.

    diverse.py OUT.json tracemalloc    what tracemalloc says between the two moments, by line
    diverse.py OUT.json bare           the same program without it; the moments are marks

Functions, so that nothing but their own lines belongs to the figures. Spare objects that the
interpreter keeps (tuples, lists, dicts, floats) are dropped by a collection before each moment.
"""

import array
import collections
import ctypes
import decimal
import functools
import gc
import io
import itertools
import json
import os
import sys
import tracemalloc

MODE = sys.argv[2]
LIBRARY = ctypes.CDLL(None)
FILL = b"."
TEXT = "t"
KEPT = {}


class Slotted:
    __slots__ = ("a", "b")


class Plain:
    def __init__(self, n):
        self.a = n
        self.b = [n]


def plain_blocks(n):
    keep = [None] * n
    for i in range(n):
        keep[i] = FILL * (1 + i % 700)
    return keep


def texts(n):
    keep = [None] * n
    for i in range(n):
        keep[i] = TEXT * (2 + i % 300)
    return keep


def numbers(n):
    keep = [None] * (2 * n)
    big = 10 ** 40
    for i in range(n):
        keep[2 * i] = big + i
        keep[2 * i + 1] = complex(i, i)
    return keep


def instances(n):
    slotted = [None] * n
    plain = [None] * n
    for i in range(n):
        slotted[i] = Slotted()
    for i in range(n):
        plain[i] = Plain(i)
    return slotted, plain


def containers(n):
    keep = [None] * n
    for i in range(n):
        keep[i] = {j for j in range(i % 40)}
    growing = []
    for i in range(n):
        growing.append(i)
    table = {}
    for i in range(n):
        table[i] = None
    queue = collections.deque()
    for i in range(n):
        queue.append(None)
    return keep, growing, table, queue


def buffers(n):
    keep = bytearray()
    for i in range(n):
        keep += FILL
    stream = io.BytesIO()
    for i in range(n):
        stream.write(FILL)
    numbers = array.array("d")
    for i in range(n):
        numbers.append(1.5)
    keep2 = [bytearray(i) for i in range(300)]
    return keep, stream, numbers, keep2


def functions(n):
    def make(i):
        def inner():
            return i
        return inner
    keep = [None] * n
    for i in range(n):
        keep[i] = make(i)
    partials = [None] * n
    for i in range(n):
        partials[i] = functools.partial(make)
    return keep, partials


def generators(n):
    def generate(i):
        yield i
    keep = [None] * n
    for i in range(n):
        keep[i] = generate(i)
        next(keep[i])
    return keep, [itertools.count() for _ in range(200)]


def freed_again(n):
    for i in range(n):
        block = FILL * (30 + i % 1000)
    return block


def reallocated(n):
    lists = [[] for _ in range(50)]
    for i in range(n):
        lists[i % 50].append(None)
    for each in lists[::2]:
        each.clear()
    return lists


def library_calls(n):
    parsed = [None] * 20
    for i in range(20):
        parsed[i] = json.loads('{"a": [1.5, 2.5, "text", null], "b": {"c": 123456789}}')
    values = [None] * n
    for i in range(n):
        values[i] = decimal.Decimal(12345678901234567890 + i)  # first use
    return parsed, values


STAGES = (plain_blocks, texts, numbers, instances, containers, buffers, functions, generators,
          freed_again, reallocated, library_calls)


def all_stages(n):
    for stage in STAGES:
        KEPT[stage.__name__] = stage(n)


def by_line(snapshot):
    return {f"{s.traceback[0].lineno}": (s.size, s.count) for s in snapshot.statistics("lineno")
            if s.traceback[0].filename == __file__}


def main(path):
    # Once, thrown away: what is made on first use (caches, interned texts) is no part of this.
    all_stages(2000)
    KEPT.clear()
    gc.collect()
    gc.disable()
    if MODE == "tracemalloc":
        tracemalloc.start(1)
    elif hasattr(LIBRARY, "memtrace_mark"):
        LIBRARY.memtrace_mark(b"before")
    all_stages(2000)
    if MODE == "tracemalloc":
        snapshot = tracemalloc.take_snapshot()
        tracemalloc.stop()
        with open(path, "w") as out:
            json.dump(by_line(snapshot), out)
    elif hasattr(LIBRARY, "memtrace_mark"):
        LIBRARY.memtrace_mark(b"after")


main(sys.argv[1])
# No teardown, which would free what is to be compared.
os._exit(0)

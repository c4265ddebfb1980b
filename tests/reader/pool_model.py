"""A slow, obvious model of CPython's arenas, pools and blocks, made from the records of a journal.

Written from memtrace-stream(5) and from Objects/obmalloc.c; it shares no code with the collector. Beside
it the two other witnesses, in the same shape: the figures that the interpreter prints
(_PyObject_DebugMallocStats), and its pool headers, as they lie in a copy of its memory.
"""

import itertools
import re
import struct
from collections import Counter

import memtrace_journal as journal

ARENA, ARENA_FREE, MARK_BYTES = 13, 14, 112
HEADER_BYTES, STEP_BYTES = 48, 16
# count, freeblock, nextpool, prevpool, arenaindex, szidx, nextoffset, maxnextoffset
POOL_HEADER = struct.Struct("<I4xQQQIIII")


def pool_bytes_of(arena_bytes):
    return 4096 if arena_bytes == 256 << 10 else 16384


def is_arena(size):
    """What is smaller are pieces of the interpreter's own stack, which come the same way."""
    return size == 256 << 10 or size >= 1 << 20


class Pools:
    """What a set of pools comes to, in the interpreter's own words."""

    def __init__(self, arenas, live):
        """arenas: address -> bytes; live: address of a pool -> (class, addresses of its live blocks)."""
        self.arenas, self.live = arenas, live

    def classes(self):
        """block bytes -> (pools in use, blocks in use, blocks available)"""
        result = {}
        for size_class, blocks in self.live.values():
            size = size_class * STEP_BYTES
            pools, used, free = result.get(size, (0, 0, 0))
            capacity = (self.pool_bytes() - HEADER_BYTES) // size
            result[size] = pools + 1, used + len(blocks), free + capacity - len(blocks)
        return result

    def pool_bytes(self):
        return pool_bytes_of(next(iter(self.arenas.values())))

    def totals(self):
        pool_bytes, classes = self.pool_bytes(), self.classes()
        unaligned = sum(1 for address in self.arenas if address % pool_bytes)
        pools = sum(self.arenas.values()) // pool_bytes - unaligned
        return {
            "arenas": len(self.arenas),
            "arena bytes": sum(self.arenas.values()),
            "in allocated blocks": sum(size * used for size, (_, used, _) in classes.items()),
            "in available blocks": sum(size * free for size, (_, _, free) in classes.items()),
            "unused pools": pools - len(self.live),
            "lost to pool headers": len(self.live) * HEADER_BYTES,
            "lost to quantization": sum(count * ((pool_bytes - HEADER_BYTES) % size)
                                        for size, (count, _, _) in classes.items()),
            "lost to arena alignment": unaligned * pool_bytes,
        }


class Model:
    """Follows the records one by one."""

    def __init__(self):
        self.arenas = {}
        self.blocks = {}   # pool -> {beginning of a block: (requested bytes, stack)}
        self.classes = {}  # pool -> class that it had last
        self.freed = {}    # thread slot -> what its realloc freed

    def arena_of(self, address):
        return next((start for start, size in self.arenas.items() if start <= address < start + size), None)

    def place(self, address):
        """The pool around an address; None outside all arenas."""
        arena = self.arena_of(address)
        return arena and address - address % pool_bytes_of(self.arenas[arena])

    def beginning(self, pool, address):
        """Debug allocators hand out a block from its sixteenth byte on."""
        size = self.classes[pool] * STEP_BYTES
        return address - (address - pool - HEADER_BYTES) % size

    def allocate(self, address, body):
        pool, size_class = self.place(address), body >> 48 & 0xff
        if pool is None:
            return
        blocks = self.blocks.setdefault(pool, {})
        if size_class != journal.CLASS_KEPT:
            assert not blocks or self.classes[pool] == size_class, f"pool {pool:#x} changes class in use"
            self.classes[pool] = size_class
        start = self.beginning(pool, address)
        assert start not in blocks, f"block {address:#x} is live twice"
        assert address - start in (0, STEP_BYTES) and start >= pool + HEADER_BYTES
        blocks[start] = body >> 32 & 0xffff, body & 0xffffffff

    def free(self, address, body):
        pool = self.place(address)
        taken = None
        if pool is not None:
            start = self.beginning(pool, address)
            taken = pool, start, self.blocks[pool].pop(start)
        if body >> 32 & journal.FREE_REALLOC:
            self.freed[body >> 40] = taken

    def restore(self, slot):
        taken = self.freed.pop(slot, None)
        if taken:
            pool, start, block = taken
            self.blocks[pool][start] = block

    def remove_arena(self, address):
        for pool in [pool for pool in self.blocks if self.arena_of(pool) == address]:
            del self.blocks[pool]
        self.arenas.pop(address, None)

    def apply(self, kind, a, b):
        if kind in (journal.SMALL_MEM, journal.SMALL_OBJECT):
            self.allocate(a, b)
        elif kind in journal.ALLOC_KINDS:
            assert self.place(a) is None, f"block {a:#x} of malloc's lies in an arena"
        elif kind == journal.FREE:
            self.free(a, b)
        elif kind == journal.RESTORE:
            self.restore(b)
        elif kind == ARENA and is_arena(b >> 32):
            self.arenas[a] = b >> 32
        elif kind == ARENA_FREE:
            self.remove_arena(a)

    def pools(self):
        live = {pool: (self.classes[pool], frozenset(blocks)) for pool, blocks in self.blocks.items() if blocks}
        return Pools(dict(self.arenas), live)


def pools_at_marks(paths):
    """name of a mark -> Pools as of it, from the segments of a journal."""
    model, at_marks = Model(), {}
    contents = [path.read_bytes() for path in paths]
    ends = [journal.end_of(*pair) for pair in itertools.pairwise(contents)] + [None]
    for content, end in zip(contents, ends):
        for kind, a, b, payload in journal.records(content, end):
            if kind == journal.MARK and b >> 32 == 0:
                at_marks[payload[MARK_BYTES:b & 0xffffffff].decode()] = model.pools()
            else:
                model.apply(kind, a, b)
    return at_marks


class Figures:
    """What _PyObject_DebugMallocStats printed."""

    LINES = {"arenas": "# arenas allocated current", "in allocated blocks": "# bytes in allocated blocks",
             "in available blocks": "# bytes in available blocks",
             "lost to pool headers": "# bytes lost to pool headers",
             "lost to quantization": "# bytes lost to quantization",
             "lost to arena alignment": "# bytes lost to arena alignment"}

    def __init__(self, text):
        self.text = text

    def number(self, label):
        found = re.search(rf"^{re.escape(label)} *= *([\d,]+)$", self.text, re.MULTILINE)
        assert found, (label, self.text)
        return int(found[1].replace(",", ""))

    def totals(self):
        result = {name: self.number(label) for name, label in self.LINES.items()}
        # Where there are none the line says "0 arenas * ...", too.
        result["arena bytes"] = self.number(*re.findall(r"^\d+ arenas \* \d+ bytes/arena", self.text, re.M))
        result["unused pools"] = int(*re.findall(r"^(\d+) unused pools", self.text, re.M))
        return result

    def classes(self):
        rows = re.findall(r"^ *\d+ +(\d+) +(\d+) +(\d+) +(\d+)$", self.text, re.MULTILINE)
        return {int(size): (int(pools), int(used), int(free)) for size, pools, used, free in rows
                if int(pools)}


def add_figures(all_figures):
    """Classes and totals of several interpreters together."""
    classes, totals = {}, Counter()
    for figures in all_figures:
        totals.update(figures.totals())
        for size, row in figures.classes().items():
            classes[size] = tuple(map(sum, zip(row, classes.get(size, (0, 0, 0)))))
    return classes, dict(totals)


class Memory:
    """Ranges of a process's memory, as the witness wrote them."""

    def __init__(self, data):
        self.data, self.ranges, at = data, [], 0
        while at < len(data):
            start, length = struct.unpack_from("<QQ", data, at)
            self.ranges.append((start, length, at + 16))
            at += 16 + length

    def at(self, address, length):
        for start, size, offset in self.ranges:
            if start <= address and address + length <= start + size:
                return offset + address - start
        raise AssertionError(f"{address:#x} is in no range of the copied memory")

    def word(self, address):
        return struct.unpack_from("<Q", self.data, self.at(address, 8))[0]

    def pool(self, address, pool_bytes):
        """(class, live blocks) of a pool; None where it has no live block."""
        count, freeblock, _, _, _, index, nextoffset, _ = POOL_HEADER.unpack_from(
            self.data, self.at(address, HEADER_BYTES))
        if not count:
            return None
        size = (index + 1) * STEP_BYTES
        # From nextoffset on nothing was ever handed out; what is free before it stands in the list.
        live = set(range(address + HEADER_BYTES, address + nextoffset, size))
        while freeblock:
            live.remove(freeblock)
            freeblock = self.word(freeblock)
        assert len(live) == count, f"the header of pool {address:#x} says {count}, its list leaves {len(live)}"
        return index + 1, frozenset(live)

    def pools(self, arenas):
        """The pools of these arenas (address -> bytes) by their own headers."""
        live = {}
        for arena, size in arenas.items():
            pool_bytes = pool_bytes_of(size)
            first = arena + -arena % pool_bytes
            for address in range(first, arena + size - pool_bytes + 1, pool_bytes):
                pool = self.pool(address, pool_bytes)
                if pool:
                    live[address] = pool
        return Pools(arenas, live)

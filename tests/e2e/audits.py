"""What audits of a kept stream say, against the blocks that the records before them leave live: a slow,
obvious model."""

import bisect

from conftest import Profile

HEADER_BYTES, STEP_BYTES, KEPT = 48, 16, 63
ALLOCATIONS = {"SMALL_MEM", "SMALL_OBJECT", "ALLOC_MEM", "ALLOC_OBJECT", "ALLOC_MALLOC"}
FREED_BY_REALLOC = 2


def records(folder):
    """Every record of the journals in a folder that one process left, in order."""
    def segment(path):
        return int(path.name.rsplit(".", 1)[1])
    for path in sorted(folder.glob("*.journal.*"), key=segment):
        for record in Profile(path).dump():
            if record["section"] == "RECORD":
                yield record


def number(text):
    return int(text, 16) if isinstance(text, str) else text


class Audit:
    """One audit: pool address -> (class, bits), and what the model had at that moment."""

    def __init__(self, record):
        self.mark, self.interpreter = record["mark"], record["interpreter"]
        self.arenas, self.pools, self.pause_ns = {}, {}, None

    def pool_bytes(self):
        return 4096 if min(self.arenas.values()) == 256 << 10 else 16384

    def add_pool(self, record):
        size = record["class"] * STEP_BYTES
        if "live" in record:
            bits = int.from_bytes(bytes.fromhex(record["live"]), "little")
        else:
            bits = (1 << (self.pool_bytes() - HEADER_BYTES) // size) - 1
        assert bin(bits).count("1") == record["blocks"], record
        self.pools[number(record["address"])] = record["class"], bits

    def blocks(self):
        """(pool, index of the block) of all that is live."""
        return {(pool, i) for pool, (_, bits) in self.pools.items()
                for i in range(bits.bit_length()) if bits >> i & 1}

    def place(self, address):
        """The same of the address that the program has: with debug allocators 16 bytes into the block."""
        pool = address & -self.pool_bytes()
        size = self.pools.get(pool, (1, 0))[0] * STEP_BYTES
        return pool, (address - pool - HEADER_BYTES) // size


class Model:
    def __init__(self):
        self.live, self.freed, self.arenas = {}, {}, {}

    def apply(self, record):
        kind = record["kind"]
        if kind in ALLOCATIONS:
            self.live[number(record["address"])] = record.get("class", 0)
        elif kind == "FREE":
            address = number(record["address"])
            old = self.live.pop(address, None)
            if record["flags"] & FREED_BY_REALLOC:
                self.freed[record["thread"]] = address, old
        elif kind == "RESTORE":
            address, old = self.freed.pop(record["b"])
            if old is not None:
                self.live[address] = old
        elif kind == "ARENA":
            self.arenas[number(record["address"])] = record["bytes"]
        elif kind == "ARENA_FREE":
            start = number(record["address"])
            end = start + self.arenas.pop(start, 0)
            for address in [a for a in self.live if start <= a < end]:
                del self.live[address]

    def check(self, audit):
        """The same blocks in the audit's arenas, of the same class."""
        starts = sorted(audit.arenas)
        mine = set()
        for address, its_class in self.live.items():
            i = bisect.bisect_right(starts, address) - 1
            if i < 0 or address >= starts[i] + audit.arenas[starts[i]]:
                continue
            place = audit.place(address)
            mine.add(place)
            if 0 < its_class < KEPT:
                assert audit.pools[place[0]][0] == its_class, (hex(address), its_class)
        headers = audit.blocks()
        assert mine == headers, (sorted(mine - headers)[:5], sorted(headers - mine)[:5])
        assert set(audit.arenas) <= set(self.arenas)


def checked_audits(folder):
    """All audits of a run, each compared with the model at its place in the stream."""
    model, audits, now = Model(), [], None
    for record in records(folder):
        kind = record["kind"]
        if kind == "AUDIT":
            now = Audit(record)
        elif kind == "AUDIT_ARENA":
            now.arenas[number(record["address"])] = record["bytes"]
        elif kind == "AUDIT_POOL":
            now.add_pool(record)
        elif kind == "AUDIT_END":
            now.pause_ns = record["pause_ns"]
            model.check(now)
            audits.append(now)
            now = None
        else:
            model.apply(record)
    return audits

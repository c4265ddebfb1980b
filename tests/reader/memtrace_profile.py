"""An independent reader of profiles, written from memtrace-profile(5) alone.

It shares no code with the collector and the command: where they and the page disagree, a test that
compares the two fails. Everything is kept simple and slow.
"""

import collections
import struct

import zstandard

MAGIC = b"MEMTPRF1"
HEADER = struct.Struct("<8sIIQQQ3Q")
ENTRY = struct.Struct("<4sIQQQ")
MOST_SECTIONS, MOST_ITEM_BYTES, MOST_RAW_BYTES, MOST_RATIO = 256, 4096, 1 << 30, 32768
CODE_TRUNCATED, CODE_FIRST = 1, 16
PEAK = (1 << 32) - 1
RUN_CONSERVED, RUN_FROM_JOURNAL, RUN_AS_OF_END = 1, 2, 4

# Items: (field, type of struct.unpack, how many where it is an array).
STREAM_MARK = [(name, "Q") for name in (
    "time_ns", "rss_bytes", "pss_bytes", "anon_bytes", "swap_bytes", "locked_bytes", "file_bytes",
    "heap_bytes", "heap_mapped_bytes", "heap_used_bytes", "heap_free_bytes", "heap_top_bytes",
    "pause_ns")] + [("origin", "I"), ("mark_reserved", "I")]
LAYOUTS = {
    "RUN_": [("run_id", "Q"), ("process_start", "Q"), ("start_real_ns", "Q"), ("pid", "I"), ("uid", "I"),
             ("end", "I"), ("flags", "I"), ("end_status", "q"), ("duration_ms", "Q"), ("live_bytes", "Q"),
             ("live_blocks", "Q"), ("peak_bytes", "Q"), ("peak_blocks", "Q"), ("peak_ms", "Q"),
             ("peak_slack_bytes", "Q"), ("domain_bytes", "Q", 4), ("domain_blocks", "Q", 4),
             ("arena_bytes", "Q"), ("arena_count", "Q"), ("most_arenas", "Q"), ("records", "Q"),
             ("allocations", "Q"), ("frees", "Q"), ("cancelled_pairs", "Q"), ("unknown_frees", "Q"),
             ("replaced", "Q"), ("misplaced", "Q"), ("lost_slots", "Q"), ("bad_records", "Q"),
             ("dropped_events", "Q"), ("waited_ns", "Q"), ("checks", "Q"), ("checks_differing", "Q"),
             ("collections", "Q", 3), ("collected", "Q", 3), ("block_count", "Q"),
             ("crash_safe_until_ms", "Q"), ("pool_bytes", "I"), ("merged_marks", "I"),
             ("program_collections", "Q", 3), ("program_collected", "Q", 3), ("garbage_bytes", "Q", 3),
             ("garbage_blocks", "Q", 3), ("collecting_ns", "Q", 3), ("longest_collecting_ns", "Q", 3),
             ("timed_collections", "Q", 3)],
    "CODE": [("file", "I"), ("name", "I"), ("first_line", "i"), ("linetable_kind", "I"),
             ("linetable_offset", "Q"), ("linetable_bytes", "I"), ("first_traced", "I")],
    "NODE": [("parent", "I"), ("code", "I"), ("instr", "i")],
    "THRD": [("slot", "I"), ("tid", "I"), ("count", "I"), ("name", "I")],
    "SITE": [("stack", "I"), ("reserved", "I"), ("live_bytes", "Q"), ("live_blocks", "Q"),
             ("total_bytes", "Q"), ("total_blocks", "Q"), ("freed_bytes", "Q"), ("freed_blocks", "Q"),
             ("temporary_bytes", "Q"), ("temporary_blocks", "Q"), ("gc_freed_bytes", "Q"),
             ("gc_freed_blocks", "Q"), ("peak_bytes", "Q"), ("peak_blocks", "Q")],
    "LIFE": [("stack", "I"), ("reserved", "I"), ("freed_blocks", "Q"), ("freed", "I", 16), ("live", "I", 16)],
    "FREE": [("stack", "I"), ("by", "I"), ("blocks", "Q"), ("bytes", "Q"), ("gc_blocks", "Q"),
             ("gc_bytes", "Q"), ("moved_blocks", "Q"), ("moved_bytes", "Q")],
    "MARK": STREAM_MARK + [("name", "I"), ("base", "I"), ("live_bytes", "Q"), ("live_blocks", "Q"),
                           ("arena_bytes", "Q"), ("arena_count", "Q"), ("rolled", "Q"),
                           ("change_start", "Q"), ("change_count", "Q")],
    "CHNG": [("stack", "I"), ("reserved", "I"), ("live_bytes", "Q"), ("live_blocks", "Q")],
    "WIND": [("start_ms", "Q"), ("rss_bytes", "Q"), ("live_bytes", "Q"), ("live_blocks", "Q"),
             ("arena_bytes", "Q")],
    "PNTS": [("time_ms", "Q"), ("rss_bytes", "Q"), ("live_bytes", "Q"), ("live_blocks", "Q"),
             ("arena_bytes", "Q"), ("allocations", "Q"), ("collections", "Q", 3), ("change_start", "Q"),
             ("change_count", "Q")],
    "RSET": [("time_ns", "Q"), ("mark_ns", "Q"), ("rss_bytes", "Q"), ("parts", "Q", 9), ("swap_bytes", "Q"),
             ("arena_live_bytes", "Q"), ("arena_block_bytes", "Q"), ("arena_header_bytes", "Q"),
             ("heap_live_bytes", "Q"), ("block_bytes", "Q"), ("cost_ns", "Q"),
             ("pss_bytes", "Q"), ("cgroup_bytes", "Q"), ("cgroup_cache_bytes", "Q"), ("cgroup_limit_bytes", "Q"),
             ("machine_bytes", "Q"), ("machine_available_bytes", "Q")],
    "RMAP": [("time_ns", "Q"), ("bytes", "Q"), ("resident_bytes", "Q"), ("stack", "I"), ("part", "I")],
    "PCHG": [("stack", "I"), ("reserved", "I"), ("live_bytes", "Q"), ("live_blocks", "Q"),
             ("total_blocks", "Q")],
    "ARNA": [("address", "Q"), ("bytes", "Q"), ("live_bytes", "Q"), ("live_blocks", "I"), ("stack", "I"),
             ("window", "I"), ("reserved", "I")],
    "POOL": [("address", "Q"), ("class", "I"), ("live_blocks", "I")],
    "PINS": [("arena", "I"), ("stack", "I"), ("blocks", "I"), ("block_bytes", "I"), ("bytes", "I"),
             ("oldest", "H"), ("newest", "H")],
    "AMRK": [("address", "Q"), ("bytes", "Q"), ("live_bytes", "Q"), ("block_bytes", "Q"), ("mark", "I"),
             ("live_blocks", "I"), ("pools", "I"), ("holder_start", "I"), ("holder_count", "I"),
             ("other_stacks", "I")],
    "HOLD": [("stack", "I"), ("blocks", "I"), ("block_bytes", "I"), ("oldest", "H"), ("newest", "H")],
    "MCLS": [("mark", "I"), ("class", "I"), ("pools", "I"), ("blocks", "I")],
    "AUDT": [("mark", "I"), ("interpreters", "I"), ("arenas", "Q"), ("differing_arenas", "Q"), ("pools", "Q"),
             ("differing_pools", "Q"), ("blocks", "Q"), ("differing_blocks", "Q"), ("pause_ns", "Q"),
             ("time_ms", "Q")],
    "AUDD": [("arena", "Q"), ("pool", "Q"), ("audit", "I"), ("map_class", "H"), ("header_class", "H"),
             ("map_blocks", "I"), ("header_blocks", "I"), ("differing_blocks", "I"), ("reserved", "I")],
    "MAPS": [("address", "Q"), ("bytes", "Q"), ("stack", "I"), ("window", "I"), ("anonymous", "I"),
             ("reserved", "I")],
}
BYTES = {"INFO": 1, "STRS": 1, "LTAB": 1, "BLKA": 1, "BLKZ": 1, "BLKS": 4, "BLKW": 2}
LISTS = [tag for tag in LAYOUTS if tag != "RUN_"]


class Damaged(Exception):
    """This isn't a profile, or nothing in it can be read."""


def fnv1a(data):
    value = 0xcbf29ce484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001b3 % (1 << 64)
    return value


def leb128(data):
    """All numbers of a column; what is cut off at its end is an error."""
    numbers, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(value)
            value = shift = 0
    if shift:
        raise Damaged("a number is cut off")
    return numbers


def texts(data):
    return [] if not data else [text.decode("utf-8", "surrogateescape") for text in data[:-1].split(b"\0")]


def items(layout, raw, item_bytes):
    """An array of dicts: longer items lose their end, shorter ones are filled up with zeros."""
    form = struct.Struct("<" + "".join(f"{field[2] if len(field) > 2 else 1}{field[1]}" for field in layout))
    result = []
    for start in range(0, len(raw), item_bytes):
        item = raw[start:start + item_bytes][:form.size].ljust(form.size, b"\0")
        values, record = list(form.unpack(item)), {}
        for field in layout:
            if len(field) > 2:
                record[field[0]] = values[:field[2]]
                del values[:field[2]]
            else:
                record[field[0]] = values.pop(0)
        result.append(record)
    return result


def signed(byte):
    return byte - 256 if byte >= 128 else byte


def line_by_lnotab(table, line, offset):
    address = 0
    for at in range(0, len(table) - 1, 2):
        address += table[at]
        if address > offset:
            break
        line += signed(table[at + 1])
    return line


def line_by_310(table, line, offset):
    end = 0
    for at in range(0, len(table) - 1, 2):
        end += table[at]
        none = table[at + 1] == 0x80
        line += 0 if none else signed(table[at + 1])
        if offset < end:
            return None if none else line
    return None


def location_number(entry):
    value = 0
    for shift, byte in enumerate(entry):
        value |= (byte & 63) << 6 * shift
        if not byte & 64:
            break
    return -(value >> 1) if value & 1 else value >> 1


def line_by_locations(table, line, offset):
    starts = [at for at, byte in enumerate(table) if byte & 0x80]
    end = 0
    for start, stop in zip(starts, starts[1:] + [len(table)]):
        code, length = table[start] >> 3 & 15, table[start] & 7
        end += 2 * (length + 1)
        if 10 <= code <= 12:
            line += code - 10
        elif code in (13, 14):
            line += location_number(table[start + 1:stop])
        if offset < end:
            return None if code == 15 else line
    return None


LINE_BY_KIND = {1: line_by_lnotab, 2: line_by_310, 3: line_by_locations}


class Profile:
    """A whole profile in memory: a list of dicts for each section, references made harmless."""

    def __init__(self, data):
        self.problems = []
        self.sections = self._table(data)
        self._raw = {tag: self._content(data, entry) for tag, entry in self.sections.items()
                     if tag in LAYOUTS or tag in BYTES}
        for tag in LISTS:
            setattr(self, tag.lower(), self._items(tag))
        self.run = (self._items("RUN_") or [None])[0]
        self.strings = self._bytes("STRS") or b"\0"
        self.linetables = self._bytes("LTAB")
        self.info = dict(zip(*[iter(texts(self._bytes("INFO")))] * 2))
        self._resolve()
        self.blocks = self._blocks()

    @classmethod
    def open(cls, path):
        with open(path, "rb") as file:
            return cls(file.read())

    def _table(self, data):
        if len(data) < HEADER.size or data[:8] != MAGIC:
            raise Damaged("no magic at offset 0")
        _, version, count, offset, file_bytes, checksum, *_ = HEADER.unpack_from(data)
        if version != 1:
            raise Damaged(f"version {version} at offset 8")
        if not 1 <= count <= MOST_SECTIONS:
            raise Damaged(f"{count} sections at offset 12")
        table = data[offset:offset + count * ENTRY.size]
        if len(table) < count * ENTRY.size:
            raise Damaged(f"the section table at offset {offset} is cut off")
        if fnv1a(data[:32] + bytes(8) + data[40:64] + table) != checksum:
            raise Damaged("the checksum at offset 32 is wrong")
        if file_bytes != len(data):
            self.problems.append(f"{len(data)} bytes in place of {file_bytes}")
        found = {}
        for tag, *entry in ENTRY.iter_unpack(table):
            found.setdefault(tag.decode("latin-1"), entry)
        return found

    def _content(self, data, entry):
        """A section's bytes, None where it is lost."""
        item_bytes, offset, stored_bytes, raw_bytes = entry
        stored = data[offset:offset + stored_bytes]
        if (len(stored) < stored_bytes or not 1 <= item_bytes <= MOST_ITEM_BYTES or
                raw_bytes % item_bytes or raw_bytes > min(MOST_RAW_BYTES, stored_bytes * MOST_RATIO)):
            self.problems.append(f"the entry of the section at offset {offset} contradicts itself")
            return None
        try:
            frame = zstandard.ZstdDecompressor(max_window_size=8 << 20).decompressobj()
            raw = frame.decompress(stored)
        except zstandard.ZstdError as error:
            self.problems.append(f"the section at offset {offset}: {error}")
            return None
        if len(raw) != raw_bytes or frame.unused_data:
            self.problems.append(f"the section at offset {offset} has another length")
            return None
        return raw

    def _bytes(self, tag):
        entry = self.sections.get(tag)
        if entry is None or self._raw[tag] is None or entry[0] != BYTES[tag]:
            return b""
        return self._raw[tag]

    def _items(self, tag):
        if tag not in self.sections or self._raw[tag] is None:
            return []
        return items(LAYOUTS[tag], self._raw[tag], self.sections[tag][0])

    def text(self, offset):
        if offset >= len(self.strings):
            offset = 0
        return self.strings[offset:self.strings.index(b"\0", offset)].decode("utf-8", "surrogateescape")

    def _stack(self, stack):
        return stack if stack <= len(self.node) else 0

    def _resolve(self):
        for number, code in enumerate(self.code):
            code.update(id=CODE_FIRST + number, file=self.text(code["file"]), name=self.text(code["name"]))
        for number, node in enumerate(self.node):
            node["id"] = number + 1
            if node["code"] >= CODE_FIRST + len(self.code):
                node["code"] = CODE_TRUNCATED
        for thread in self.thrd:
            thread["name"] = self.text(thread["name"])
        for mark in self.mark:
            mark.update(name=self.text(mark["name"]), base=self.text(mark["base"]))
        self._drop_pins_that_lie()
        for records in (self.amrk, self.mcls):
            records[:] = [record for record in records if record["mark"] < len(self.mark) or record["mark"] == PEAK]
        for record in self.amrk:
            if record["holder_start"] + record["holder_count"] > len(self.hold):
                record["other_stacks"] += record["holder_count"]
                record["holder_start"] = record["holder_count"] = 0
        for record in self.audt + self.amrk + self.mcls:
            record["mark"] = record["mark"] if record["mark"] < len(self.mark) else None
        for record in self.site + self.chng + self.pchg + self.arna + self.maps + self.pins + self.hold:
            record["stack"] = self._stack(record["stack"])
        for record, field in [(record, "window") for record in self.arna + self.maps] + [
                (pin, field) for pin in self.pins + self.hold for field in ("oldest", "newest")]:
            record[field] = record[field] if record[field] < len(self.wind) else 0

    def _drop_pins_that_lie(self):
        sums = collections.Counter()
        for pin in self.pins:
            sums[pin["arena"], "blocks"] += pin["blocks"]
            sums[pin["arena"], "bytes"] += pin["bytes"]
        live = {(number, figure): arena[f"live_{figure}"] for number, arena in enumerate(self.arna)
                for figure in ("blocks", "bytes")}
        if "PINS" in self.sections and +sums != +collections.Counter(live):
            self.problems.append("PINS isn't what ARNA says")
            self.pins = []

    def _column(self, tag, count, take):
        """A column of blocks: zeros where it is lost, or isn't one item for each block."""
        try:
            column = take(self._bytes(tag))
        except Damaged:
            column = []
        if len(column) != count:
            self.problems.append(f"{tag} has {len(column)} items for {count} blocks")
            return [0] * count
        return column

    def _blocks(self):
        steps = leb128(self._bytes("BLKA"))
        sizes = self._column("BLKZ", len(steps), leb128)
        stacks = self._column("BLKS", len(steps), lambda data: [word for word, in struct.iter_unpack("<I", data)])
        words = self._column("BLKW", len(steps), lambda data: [word for word, in struct.iter_unpack("<H", data)])
        blocks, address = [], 0
        for step, size, stack, word in zip(steps, sizes, stacks, words):
            address += step * 8
            window = word & 0x3fff
            blocks.append({"address": address, "bytes": size, "stack": self._stack(stack),
                           "window": window if window < len(self.wind) else 0, "domain": word >> 14})
        return blocks

    def code_of(self, node):
        return self.code[node["code"] - CODE_FIRST] if node["code"] >= CODE_FIRST else None

    def line(self, node):
        """The line of a node, None where it has none."""
        code = self.code_of(node)
        if code is None:
            return None
        if node["instr"] < 0:
            return code["first_line"]
        start = code["linetable_offset"]
        table = self.linetables[start:start + code["linetable_bytes"]]
        find = LINE_BY_KIND.get(code["linetable_kind"])
        return find(table, code["first_line"], node["instr"]) if find else None

    def changes(self, mark):
        return self.chng[mark["change_start"]:mark["change_start"] + mark["change_count"]]

    def point_changes(self, point):
        return self.pchg[point["change_start"]:point["change_start"] + point["change_count"]]

    def holders(self, arena):
        return self.hold[arena["holder_start"]:arena["holder_start"] + arena["holder_count"]]

    def arenas_at(self, index):
        """The items of AMRK that tell of the arenas there were at a mark; None: when there were most."""
        found = {}
        for arena in self.amrk:
            if arena["mark"] == index or None not in (index, arena["mark"]) and arena["mark"] <= index:
                found[arena["address"]] = arena
        return [arena for _, arena in sorted(found.items()) if arena["bytes"]]

    def live_at(self, index):
        """stack -> (bytes, blocks) that were live of it at a mark."""
        live = {}
        for mark in self.mark[:index + 1]:
            for change in self.changes(mark):
                live[change["stack"]] = (change["live_bytes"], change["live_blocks"])
        return live

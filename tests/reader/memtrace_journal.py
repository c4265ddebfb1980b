"""An independent reader of journals, written from memtrace-stream(5) alone: records, and what is live."""

import struct

import zstandard
from memtrace_profile import Damaged, fnv1a, leb128

HEADER = struct.Struct("<8sIIIIII7Q")
FRAME = struct.Struct("<4sIQQQQIIQQ")
RECORD = struct.Struct("<QQ")
ADDRESS = (1 << 48) - 1
DATA, ALLOC_MALLOC, SMALL_MEM, SMALL_OBJECT, FREE, RESTORE, MARK, RETAG = 1, 2, 5, 6, 7, 8, 21, 24
ALLOC_KINDS = (2, 3, 4)
FREE_REALLOC, SIZE_WIDE, CLASS_KEPT, PREDICTIONS = 2, 0xffffffff, 63, 4096
TAG_FREE_SAME, TAG_FREE_OTHER, TAG_RETAG = 70, 71, 72


def end_of(data, following):
    """The number from which on a segment's frames are the parent's only, by the segment behind it; None: all count."""
    run_id = HEADER.unpack_from(data)[7]
    child_run_id, _, _, _, first_sequence, parent_run_id, _ = HEADER.unpack_from(following)[7:]
    return first_sequence if child_run_id != run_id == parent_run_id else None


def segments(data, end=None):
    """The content of each frame before number `end` with the number of its records."""
    magic, version, header_bytes, *_, checksum = HEADER.unpack_from(data)
    if magic != b"MEMTJNL1" or version != 1 or fnv1a(data[:header_bytes - 8]) != checksum:
        raise Damaged("not a journal")
    at = header_bytes
    while at + FRAME.size <= len(data):
        magic, records, sequence, _, _, _, raw_bytes, stored_bytes, _, checksum = FRAME.unpack_from(data, at)
        if magic != b"MFRM" or fnv1a(data[at:at + FRAME.size - 8]) != checksum:
            raise Damaged(f"the frame at offset {at}")
        if sequence == end:
            return
        stored = data[at + FRAME.size:at + FRAME.size + stored_bytes]
        raw = zstandard.ZstdDecompressor().decompressobj().decompress(stored)
        if len(raw) != raw_bytes:
            raise Damaged(f"the frame at offset {at} has another length")
        yield raw, records
        at += FRAME.size + stored_bytes


def columns(raw):
    lengths, at = struct.unpack_from("<7I", raw), 28
    for length in lengths:
        yield raw[at:at + length]
        at += length
    assert at == len(raw)


def unpack_delta(packed):
    number = packed >> 1
    number = number >> 1 ^ -(number & 1)
    return number if packed & 1 else number * 16


def tagged_kind(tag):
    """Kind and class of a record from its tag."""
    if tag <= 66:
        domain, index = divmod(tag - 1, 33)
        return (SMALL_OBJECT if domain else SMALL_MEM), CLASS_KEPT if index == 32 else index + 1
    if tag <= 69:
        return ALLOC_MALLOC + tag - 67, 0
    return (RETAG if tag == TAG_RETAG else FREE), 0


def batch(raw, count):
    """The records of one frame as (kind, a, b)."""
    tags, hits, *numbers, rest = columns(raw)
    addresses, stacks, sizes, frees = (iter(leb128(column)) for column in numbers)
    hits, others = iter(hits), RECORD.iter_unpack(rest)
    last, next_stack, last_size = {}, {}, {}
    stack = free_word = 0
    assert len(tags) == count
    for byte in tags:
        tag, predicted = byte & 0x7f, byte & 0x80
        if tag == 0:
            head, body = next(others)
            yield head >> 48 & 63, head & ADDRESS, body
            continue
        chain = TAG_FREE_SAME if tag == TAG_FREE_OTHER else tag
        last[chain] = (last.get(chain, 0) + unpack_delta(next(addresses))) & ADDRESS
        kind, size_class = tagged_kind(tag)
        if kind == FREE:
            free_word = next(frees) if tag == TAG_FREE_OTHER else free_word
            yield kind, last[chain], free_word
            continue
        hit = 3 if predicted else next(hits)
        before = stack % PREDICTIONS
        stack = next_stack.get(before, 0) if hit & 1 else next(stacks)
        next_stack[before] = stack
        slot = None if kind == RETAG else stack % PREDICTIONS
        size = last_size.get(slot, 0) if hit & 2 else next(sizes)
        last_size[slot] = size
        yield kind, last[chain], stack | size << 32 | size_class << 48


def records(data, end=None):
    """(kind, a, b, payload) of each record of a journal; payload: the bytes of its DATA."""
    group = None
    for raw, count in segments(data, end):
        for kind, a, b in batch(raw, count):
            if kind == DATA:
                group[3] += a.to_bytes(6, "little") + b.to_bytes(8, "little")
                continue
            if group:
                yield tuple(group)
            group = [kind, a, b, b""]
    if group:
        yield tuple(group)


def is_end(kind, payload, offset):
    """The tracer's own mark `end`."""
    return kind == MARK and offset == 0 and payload[112:115] == b"end" and payload[104:108] == bytes(4)


def live_blocks(stream):
    """address -> (bytes, stack) at the last mark `end` of the tracer, or at the end of the records."""
    live, freed, at_end = {}, {}, None
    for kind, a, b, payload in stream:
        if kind in ALLOC_KINDS:
            size = b >> 32
            live[a] = (struct.unpack_from("<Q", payload)[0] if size == SIZE_WIDE else size, b & 0xffffffff)
        elif kind in (SMALL_MEM, SMALL_OBJECT):
            live[a] = (b >> 32 & 0xffff, b & 0xffffffff)
        elif kind == FREE:
            block = live.pop(a, None)
            if b >> 32 & FREE_REALLOC:
                freed[b >> 40] = block
        elif kind == RESTORE and freed.get(b):
            live[a] = freed.pop(b)
        elif kind == RETAG and a in live:
            live[a] = (live[a][0], b & 0xffffffff)
        elif is_end(kind, payload, b >> 32):
            at_end = dict(live)
    return live if at_end is None else at_end

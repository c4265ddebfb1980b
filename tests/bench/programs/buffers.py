"""Bytes of a few kilobytes to a megabyte: what goes to the C allocator."""

from workload import run


def work(rounds):
    kept = []
    for i in range(rounds):
        block = bytearray(600 + i * 37 % 20000)
        block += b"x" * (i % 5000)
        kept.append(bytes(block))
        if i % 64 == 0:
            kept = [bytearray(1 << 20)]


run(work, 250000)

"""Chunks of the stack of Python's frames come through the hook that arenas come through, and may be as large."""

import json

import pytest
from audits import checked_audits, number, records
from conftest import is_free_threaded, memtrace, python_version

EVERY_INTERPRETER = True

# A frame that doesn't fit into the chunk at hand gets one of 16 KiB or the first power of two above that
# holds the frame and 1000 words more (push_chunk, Python/pystate.c). 100,000 words of frame and 1000 are
# 789 KiB: 1 MiB. Twice as many, 1570 KiB: 2 MiB. The chunk is given back as the function returns.
WORDS = {1 << 20: 100_000, 2 << 20: 200_000}

DEEP = """\
import ctypes, sys
mark = getattr(ctypes.CDLL(None), "memtrace_mark", lambda name: None)
def deep():
    mark(b"in")
    kept = [(i, i) for i in range(10_000)]
    mark(b"deep")
    kept.append(bytes(100))  # an event at which that mark's audit is made
    return kept
deep.__code__ = deep.__code__.replace(co_stacksize=int(sys.argv[1]))
def main():
    return deep()
kept = main()
mark(b"back")
"""


@pytest.mark.parametrize("size", WORDS)
def test_a_chunk_is_no_arena(trace, python, tmp_path, size):
    if python_version(python) < (3, 11):
        pytest.skip("chunks of the stack of frames came with CPython 3.11")
    if is_free_threaded(python):
        pytest.skip("free-threaded builds have no arenas")
    script = tmp_path / "deep.py"
    script.write_text(DEEP)
    run = trace(python, script, WORDS[size], env={"MEMTRACE_EVENTS": "full", "MEMTRACE_AUDIT": "marks"})
    kept = list(records(trace.out))
    given_back = {number(r["address"]) for r in kept if r["kind"] == "ARENA_FREE"}
    chunks = {number(r["address"]) for r in kept
              if r["kind"] == "MAP_ANON" and r["bytes"] == size} & given_back
    assert chunks, "no frame got a chunk of its own"
    for audit in checked_audits(trace.out):
        assert not chunks & set(audit.arenas)
    for name in ("deep", "back"):
        report = run.report("--to", name)
        assert report["audit"]["arenas"] == report["arenas"]["count"] > 0
        assert (report["audit"]["differing"], report["audit"]["differing_arenas"]) == (0, 0)
    # The map has them all block by block, at the end, and no arena that holds nothing else than a chunk.
    found = json.loads(memtrace("map", "--json", run.path).stdout)
    assert not chunks & {number(arena["address"]) for arena in found["arenas"]}

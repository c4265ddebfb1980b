"""Builds without a GIL: hooks run at once in many threads, and there are no pools."""

import pytest
from conftest import INTERPRETERS, is_free_threaded, line_of, python_build

FREE_THREADED = {path: name for name, path in INTERPRETERS.items() if is_free_threaded(path)}

PROGRAM = """\
import threading
kept = [[], [], []]
passed = []
def work(mine):
    for i in range(2000):
        block = bytes(10000)  # kept
        mine.append(block)
        passed.append(bytes(3000))  # passed on
        [str(n) for n in range(50)]
def free():
    while threads or passed:
        if passed:
            passed.pop()
threads = [threading.Thread(target=work, args=(mine,)) for mine in kept]
reader = threading.Thread(target=free)
for thread in [reader, *threads]:
    thread.start()
for thread in list(threads):
    thread.join()
    threads.remove(thread)
reader.join()
print(sum(map(len, kept)))
"""


@pytest.fixture(params=FREE_THREADED or [None], ids=FREE_THREADED.get)
def free_threaded(request):
    if request.param is None:
        pytest.skip("no free-threaded CPython: `make interpreters` builds 3.13's from Debian's source; or "
                    "`pyenv install 3.14t`, its path in MEMTRACE_TEST_PYTHONS")
    return request.param


def test_three_threads_at_once(trace, free_threaded, tmp_path):
    script = tmp_path / "threads.py"
    script.write_text(PROGRAM)
    run = trace(free_threaded, script)
    kept = run.line(script, line_of(script, "# kept"))
    empty = python_build(free_threaded).empty_bytes
    blocks = [record for record in run.blocks().values() if record["bytes"] == 10_000 + empty]
    chains = run.chains()
    assert {chains[record["stack"]][0][2] for record in blocks} == {kept["line"]}
    assert len(blocks) == 6000
    # Made by one thread and freed by another, every one of them.
    passed = run.line(script, line_of(script, "# passed on"))
    assert passed["total_count"] >= 6000
    assert passed["size_bytes"] < 3000


def test_it_is_said(trace, free_threaded):
    run = trace(free_threaded, "-c", "pass")
    facts = run.info()
    assert facts["stacks"] == "on"
    assert "no pool map" in facts["pools"]


def test_what_its_allocator_maps_is_not_live(trace, free_threaded):
    """mimalloc maps segments and hands them out in blocks: the blocks are what is live."""
    run = trace(free_threaded, "-c", "kept = [bytes(300) for _ in range(100_000)]")
    live = sum(entry["size_bytes"] for entry in run.report()["growth"])
    assert 30_000_000 < live < 40_000_000


COPIES = """\
import ctypes, os, threading
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
FILL, kept = b".", []
def inner(n):
    for _ in range(200):
        kept.append(FILL * 5000)  # block
        libc.malloc(70001)  # beside
def outer(n):
    [n for n in range(3)]
    inner(n)  # call
threads = [threading.Thread(target=outer, args=(n,)) for n in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
os._exit(0)
"""


def test_each_thread_runs_instructions_of_its_own(trace, free_threaded, tmp_path):
    """From 3.14 on a thread has a copy of each function's, and its lines are those of the first one."""
    script = tmp_path / "copies.py"
    script.write_text(COPIES)
    run = trace(free_threaded, script)
    chains, sizes = run.chains(), {"block": 5000 + python_build(free_threaded).empty_bytes, "beside": 70001}
    for comment, size in sizes.items():
        found = [chains[block["stack"]][:2] for block in run.blocks().values() if block["bytes"] == size]
        assert set(found) == {((str(script), "inner", line_of(script, f"# {comment}")),
                               (str(script), "outer", line_of(script, "# call")))}
        assert len(found) == 6 * 200

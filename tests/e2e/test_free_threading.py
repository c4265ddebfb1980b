"""Builds without a GIL: hooks run at once in many threads, and there are no pools."""

import functools
import glob
import os
import subprocess

import pytest
from conftest import INTERPRETERS, line_of

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


@functools.cache
def is_free_threaded(python):
    code = "import sysconfig; print(sysconfig.get_config_var('Py_GIL_DISABLED') or 0)"
    return subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.strip() == "1"


@pytest.fixture
def free_threaded():
    found = [*INTERPRETERS.values(), *glob.glob(os.path.expanduser("~/.pyenv/versions/3.13*t/bin/python3"))]
    for python in found:
        if is_free_threaded(python):
            return python
    pytest.skip("no free-threaded CPython 3.13: `pyenv install 3.13t`, or one that was configured with "
                "--disable-gil, its path in MEMTRACE_TEST_PYTHONS")


def test_three_threads_at_once(trace, free_threaded, tmp_path):
    script = tmp_path / "threads.py"
    script.write_text(PROGRAM)
    run = trace(free_threaded, script)
    kept = run.line(script, line_of(script, "# kept"))
    empty = int(subprocess.run([free_threaded, "-c", "import sys; print(sys.getsizeof(b''))"],
                               capture_output=True, text=True, check=True).stdout)
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
    facts = {record["key"]: record["value"] for record in run.section("INFO")}
    assert facts["stacks"] == "on"
    assert "no pool map" in facts["pools"]


def test_what_its_allocator_maps_is_not_live(trace, free_threaded):
    """mimalloc maps segments and hands them out in blocks: the blocks are what is live."""
    run = trace(free_threaded, "-c", "kept = [bytes(300) for _ in range(100_000)]")
    live = sum(entry["size_bytes"] for entry in run.report()["growth"])
    assert 30_000_000 < live < 40_000_000

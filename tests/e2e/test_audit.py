"""The interpreter's own pool headers, sent when asked for: they show the blocks that the events left live."""

import pathlib
import platform
import subprocess
import time

import pytest
from audits import checked_audits
from conftest import COMMAND, Profile, find_profiles, is_free_threaded, python_version, wait_for
from test_subinterpreters import OUTER

EVERY_INTERPRETER = True

GROW_AND_SHRINK = """\
import ctypes, random, sys
library = ctypes.CDLL(None)
def mark(name):
    if hasattr(library, "memtrace_mark"):
        library.memtrace_mark(name)
random.seed(7)
rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 1
kept, tuples, buffers = [], [], [bytearray(8) for _ in range(500)]
for n in range(rounds):
    for i in range(20_000):
        tuples.append((n, i, str(i)))
        kept.append(bytes(random.randrange(700)))
    mark(b"grown")
    tuples[:] = tuples[::100]
    random.shuffle(kept)
    del kept[1000:]
    for i in range(5000):
        # Grows in place, into another class, out of the pools and back.
        buffer = random.choice(buffers)
        buffer[:] = bytes(random.randrange(1500))
    mark(b"shrunk")
"""

WITH_THREADS = GROW_AND_SHRINK + """
import threading
def work():
    mine = []
    for i in range(3000):
        mine.append([i] * (i % 70))
        if i % 3 == 0:
            mine[i // 2] = None
        if i % 1000 == 0:
            mark(b"busy")
    kept.append(mine)
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def interpreters_of(audits):
    return sorted({audit.interpreter for audit in audits})


@pytest.fixture(autouse=True)
def pools(python):
    if is_free_threaded(python):
        pytest.skip("free-threaded builds have no pools")


@pytest.fixture
def audited(trace, python, tmp_path):
    """audited(text, *args, env): its audits, each of which has been found to be what the events say."""

    def run(text, *args, env=None, **kwargs):
        script = tmp_path / "program.py"
        script.write_text(text)
        trace(python, script, *args, env={"MEMTRACE_EVENTS": "full", **(env or {})}, **kwargs)
        return checked_audits(trace.out)

    return run


def test_at_the_end_alone(audited):
    audits = audited(GROW_AND_SHRINK)
    assert [audit.interpreter for audit in audits] == [0]
    assert len(audits[0].arenas) >= 2
    # What the program keeps, at least: a list's worth of bytes, each hundredth tuple.
    assert len(audits[0].blocks()) > 1200


def test_at_marks(audited):
    audits = audited(GROW_AND_SHRINK, 3, env={"MEMTRACE_AUDIT": "marks"})
    grown, shrunk = audits[0:-1:2], audits[1:-1:2]
    assert len(audits) == 7
    assert [audit.mark for audit in audits] == sorted(audit.mark for audit in audits)
    for before, after in zip(grown, shrunk):
        assert len(before.blocks()) > len(after.blocks()) + 30_000
        assert 0 < after.pause_ns


def test_off(audited):
    assert audited(GROW_AND_SHRINK, env={"MEMTRACE_AUDIT": "off"}) == []


def test_threads(audited):
    audits = audited(WITH_THREADS, env={"MEMTRACE_AUDIT": "marks"})
    # Marks that came while an earlier one's audit was still owed share one.
    assert 4 <= len(audits) <= 2 + 4 * 3 + 1


@pytest.mark.parametrize("events", ["full", "all"])
@pytest.mark.parametrize("allocator", ["debug", "pymalloc", "pymalloc_debug"])
def test_debug_allocators(audited, allocator, events):
    audits = audited(GROW_AND_SHRINK, env={"PYTHONMALLOC": allocator, "MEMTRACE_AUDIT": "marks",
                                           "MEMTRACE_EVENTS": events})
    assert len(audits) == 3


def test_tracemalloc(audited):
    assert len(audited("import tracemalloc; tracemalloc.start(3)\n" + GROW_AND_SHRINK,
                       env={"MEMTRACE_AUDIT": "marks"})) == 3


def test_other_allocators_have_no_pools(trace, audited, python):
    assert audited(GROW_AND_SHRINK, env={"PYTHONMALLOC": "malloc", "MEMTRACE_AUDIT": "marks"}) == []
    assert profile_of(trace).info()["pools"] == "none: PYTHONMALLOC=malloc serves blocks without arenas"


def test_pauses_end_audits(trace, audited):
    pause = "library = ctypes.CDLL(None)\nif hasattr(library, 'memtrace_pause'):\n" \
            "    library.memtrace_pause(); library.memtrace_resume()\n"
    assert audited("import ctypes\n" + pause + GROW_AND_SHRINK, env={"MEMTRACE_AUDIT": "marks"}) == []
    assert profile_of(trace).info()["audit"] == "off: recording was paused"


def profile_of(trace):
    return Profile(find_profiles(trace.out)[0])


INNER = """\
kept = []
for i in range(rounds):
    kept.append([bytes(40) for _ in range(50)])
    if i % 3 == 0:
        kept.pop(0)
"""

# The mark is made while the others have nothing to do: each is audited when it goes on, or ends.
MARK_FROM_MAIN = """\
import ctypes
if hasattr(ctypes.CDLL(None), "memtrace_mark"):
    ctypes.CDLL(None).memtrace_mark(b"outer")
"""


@pytest.mark.parametrize("destroyed", [False, True])
@pytest.mark.parametrize("how", ["shared", "own"])
def test_interpreters(trace, python, tmp_path, how, destroyed):
    if how == "own" and python_version(python) < (3, 12):
        pytest.skip("interpreters with a GIL of their own came with CPython 3.12")
    inner, outer = tmp_path / "inner.py", tmp_path / "outer.py"
    inner.write_text(INNER)
    # Ends by itself: its interpreters are ended, and the main one finalised.
    outer.write_text(OUTER.replace("os._exit(0)\n", "").replace(
        "if len(sys.argv) > 4:", MARK_FROM_MAIN + "if len(sys.argv) > 4:"))
    trace(python, outer, how, inner, 300, *(["destroy"] if destroyed else []),
          env={"MEMTRACE_EVENTS": "full", "MEMTRACE_AUDIT": "marks"})
    audits = checked_audits(trace.out)
    found = interpreters_of(audits)
    assert found[0] == 0
    # Those with a GIL have arenas and an audit of their own.
    assert len(found) == (5 if how == "own" else 1), found


FOREVER = """\
import sys, time
kept = [bytes(i % 500) for i in range(30000)]
del kept[::2]
print("ready", flush=True)
while True:
    kept[0] = bytes(77)
    time.sleep(0.01)
"""


def test_from_outside(trace, python, tmp_path):
    script = tmp_path / "forever.py"
    script.write_text(FOREVER)
    program = trace.start(python, script, env={"MEMTRACE_EVENTS": "full"}, stdout=subprocess.PIPE, text=True)
    try:
        assert program.stdout.readline() == "ready\n"
        for name, more in (("plain", []), ("with", ["--audit"])):
            done = subprocess.run([COMMAND, "mark", str(program.pid), name, *more], capture_output=True,
                                  text=True)
            assert (done.returncode, done.stderr) == (0, "")
    finally:
        program.kill()
        program.wait()
    trace.wait_for_profile()
    audits = checked_audits(trace.out)
    assert [audit.interpreter for audit in audits] == [0]


# read(2), as /proc/PID/syscall has it.
READ = {"x86_64": "0", "aarch64": "63"}[platform.machine()]
ASLEEP = """\
import os
kept = [bytes(i % 500) for i in range(3000)]
print("ready", flush=True)
os.read(0, 1)
"""


def sleeps(pid):
    """It makes no event any more: the read has got its buffer, and waits."""
    fields = pathlib.Path(f"/proc/{pid}/syscall").read_text().split()
    return fields[:2] == [READ, "0x0"]


def test_of_a_program_that_sleeps(trace, python, tmp_path):
    """The collector makes the mark alone; the pools, which it can't read, are read at the end as ever."""
    script = tmp_path / "asleep.py"
    script.write_text(ASLEEP)
    program = trace.start(python, script, env={"MEMTRACE_EVENTS": "full"}, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True)
    try:
        assert program.stdout.readline() == "ready\n"
        wait_for(lambda: sleeps(program.pid), what="sleep")
        done = subprocess.run([COMMAND, "mark", str(program.pid), "asleep", "--audit"], capture_output=True,
                              text=True)
        assert done.returncode in (0, 1)
        if done.returncode:
            # A busy machine: the collector had no turn within the three seconds that the command waits.
            time.sleep(30)
        program.communicate("x")
    finally:
        program.kill()
        program.wait()
    trace.wait_for_profile()
    audits = checked_audits(trace.out)
    assert [audit.interpreter for audit in audits] == [0]
    profile, = map(Profile, find_profiles(trace.out))
    marks = [mark["name"] for mark in profile.report()["marks"]]
    assert marks.count("asleep") == 1 and marks.index("asleep") < marks.index("end")

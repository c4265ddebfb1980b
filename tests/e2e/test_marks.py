"""Named moments: from the program, from outside, and the report between them."""

import subprocess

import pytest
from conftest import COMMAND, line_of

MARKING = """\
import ctypes
FILL, kept = b".", [None] * 6000
library = ctypes.CDLL(None)
def mark(name):
    if hasattr(library, "memtrace_mark"):
        library.memtrace_mark(name)
def fill(first, last):
    for i in range(first, last):
        kept[i] = FILL * 467  # fill
fill(0, 1000)
mark(b"one")
fill(1000, 3000)
kept[0:500] = [None] * 500
mark(b"two")
fill(3000, 6000)
mark(b"two")
kept[3000:6000] = [None] * 3000
mark("dr\\u00e9i".encode())
"""


@pytest.mark.parametrize("args, blocks", [
    ((), 2500), (("--to", "one"), 1000), (("--from", "one"), 1500),
    (("--from", "one", "--to", "two#2"), 4500), (("--from", "one", "--to", "two"), 4500),
    (("--from", "two", "--to", "end"), -3000), (("--from", "two#2", "--to", "dréi"), -3000),
    (("--from", "start", "--to", "main"), 0),
])
def test_between_marks(trace, python, tmp_path, args, blocks):
    script = tmp_path / "marking.py"
    script.write_text(MARKING)
    run = trace(python, script)
    entry = run.line(script, line_of(script, "# fill"), *args)
    assert (entry["count_diff"], entry["size_diff_bytes"]) == (blocks, blocks * 500)


def test_marks_are_listed_in_order(trace, python, tmp_path):
    script = tmp_path / "marking.py"
    script.write_text(MARKING)
    run = trace(python, script)
    marks = run.report()["marks"]
    assert [m["name"] for m in marks] == ["start", "main", "one", "two", "two#2", "dréi", "end"]
    assert [m["seconds"] for m in marks] == sorted(m["seconds"] for m in marks)
    by_name = {m["name"]: m for m in marks}
    assert by_name["two#2"]["live_bytes"] - by_name["dréi"]["live_bytes"] == pytest.approx(
        3000 * 500, abs=50_000)
    assert all(m["rss_bytes"] > 1 << 20 for m in marks if m["name"] not in ("start",))


def test_unknown_mark_names_those_there_are(trace, any_python, tmp_path):
    script = tmp_path / "marking.py"
    script.write_text(MARKING)
    run = trace(any_python, script)
    done = subprocess.run([COMMAND, "report", "--from", "nowhere", run.path], capture_output=True, text=True)
    assert done.returncode in (1, 2)
    assert "nowhere" in done.stderr and "two#2" in done.stderr


def test_a_pause_hides_what_is_made_in_it(trace, python, tmp_path):
    script = tmp_path / "pause.py"
    script.write_text(
        "import ctypes\n"
        "FILL, kept = b'.', [None] * 3000\n"
        "library = ctypes.CDLL(None)\n"
        "there = hasattr(library, 'memtrace_pause')\n"
        "def fill(first, last):\n"
        "    for i in range(first, last):\n"
        "        kept[i] = FILL * 467\n"
        "fill(0, 1000)\n"
        "if there: library.memtrace_pause()\n"
        "fill(1000, 2000)\n"
        "kept[0:400] = [None] * 400\n"
        "if there: library.memtrace_resume()\n"
        "fill(2000, 3000)\n"
        "if there: assert library.memtrace_active() == 1\n")
    run = trace(python, script)
    assert run.line(script, 7)["count"] == 1600


BUSY = """\
import sys, time
FILL, kept = b".", []
print("ready", flush=True)
until = time.monotonic() + 300
while time.monotonic() < until:
    kept = [FILL * n for n in range(100, 1000)]
"""
SLEEPING = """\
import time
FILL, kept = b".", [None] * 9000
for i in range(9000):
    kept[i] = FILL * 467  # fill
print("ready", flush=True)
time.sleep(300)
"""


@pytest.mark.parametrize("source", [BUSY, SLEEPING], ids=["busy", "sleeping"])
def test_from_outside(trace, any_python, tmp_path, source):
    script = tmp_path / "running.py"
    script.write_text(source)
    process = trace.start(any_python, script, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        done = subprocess.run([COMMAND, "mark", str(process.pid), "from outside"],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
    finally:
        process.kill()
        process.communicate()
    profile = trace.wait_for_profile()
    profile.check(killed=True)
    marks = {m["name"]: m for m in profile.report()["marks"]}
    assert "from outside" in marks
    if source is SLEEPING:
        # The collector makes the mark alone, and finds what still waits in the program's table.
        for moment in ("from outside", "end"):
            entry = profile.line(script, line_of(script, "# fill"), "--to", moment)
            assert (entry["count"], entry["size_bytes"]) == (9000, 9000 * 500)


def test_mark_of_a_stranger_says_why_not(tmp_path):
    process = subprocess.Popen(["sleep", "30"])
    try:
        done = subprocess.run([COMMAND, "mark", str(process.pid), "x"], capture_output=True, text=True)
    finally:
        process.kill()
        process.wait()
    assert done.returncode == 1
    assert str(process.pid) in done.stderr and len(done.stderr.splitlines()) == 1

"""Which lines go on growing: programs whose lines leak, fill up, come and go by construction."""

import json
import os
import subprocess

import pytest
from conftest import COMMAND, line_of

ROUNDS, WARM_UP = 40, 8
BYTES = 50_000

# Marks make the rounds windows, however fast they pass.
PROGRAM = f"""\
import ctypes
FILL, ROUNDS, BYTES = b".", {ROUNDS}, {BYTES}
library = ctypes.CDLL(None)
leaked, thirds, cached, tooth = [None] * 1000, [None] * 1000, [None] * 1000, [None] * 1000
early, steady, swapped = [None] * 1000, [None] * 1000, [None] * 1000
for i in range(50):
    steady[i] = FILL * BYTES  # steady
for i in range(ROUNDS):
    for k in range(5):
        leaked[5 * i + k] = FILL * BYTES  # leaks
        temporary = FILL * (BYTES + 1)  # comes and goes
    if i % 3 == 0:
        thirds[i] = FILL * 3 * BYTES  # leaks slowly
    if i < ROUNDS // 2:
        cached[i] = FILL * BYTES  # fills
    if i % 7 == 0:
        tooth = [None] * 1000
    for k in range(10):
        tooth[10 * (i % 7) + k] = FILL * BYTES  # sawtooth
    if i < {WARM_UP} - 2:
        early[i] = FILL * BYTES  # warms up
    swapped[i % 10] = FILL * BYTES  # is replaced
    if hasattr(library, "memtrace_mark"):
        library.memtrace_mark(b"iteration")
"""


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "trends.py"
    path.write_text(PROGRAM)
    return path


def entry_of(report, script, comment):
    [entry] = [row for row in report["growth"]
               if row["file"] == str(script) and row["line"] == line_of(script, "# " + comment)]
    return entry


@pytest.mark.parametrize("comment, kind", [
    ("leaks", "leaks"), ("leaks slowly", "leaks"), ("fills", "fills"), ("sawtooth", "none"),
    ("warms up", "none"), ("steady", "none"), ("is replaced", "none"), ("comes and goes", "none"),
])
def test_lines_of_known_kind(trace, any_python, script, comment, kind):
    report = trace(any_python, script).report()
    # "# leaks" is in the slow one's comment, too.
    lines = [n for n, line in enumerate(PROGRAM.splitlines(), 1) if line.endswith("# " + comment)]
    [entry] = [row for row in report["growth"] if row["file"] == str(script) and [row["line"]] == lines]
    assert entry["trend"] == kind, entry


def test_figures_of_a_leak(trace, python, tmp_path):
    script = tmp_path / "trends.py"
    script.write_text(PROGRAM.replace("# leaks slowly", "# slowly"))
    run = trace(python, script)
    report = run.report()
    fast, slow = entry_of(report, script, "leaks"), entry_of(report, script, "slowly")
    # A window is one mark or two, and a median is taken: thirds can't be met exactly.
    assert fast["blocks_per_mark"] == pytest.approx(5, rel=0.01)
    assert slow["blocks_per_mark"] == pytest.approx(1 / 3, rel=0.2)
    assert fast["bytes_per_second_low"] <= fast["bytes_per_second"] <= fast["bytes_per_second_high"]
    seconds = report["course"]["slices"][-1]["seconds"] - report["course"]["slices"][0]["seconds"]
    assert 0 < fast["bytes_per_second_low"] and fast["bytes_per_second_low"] * seconds < 2 * fast["size_bytes"]
    limit = report["limit"]
    assert limit["left_bytes"] < limit["bytes"]
    assert limit["seconds"] == pytest.approx(limit["left_bytes"] / limit["bytes_per_second"], rel=1e-3)
    assert limit["seconds_soonest"] <= limit["seconds"] <= limit["seconds_latest"]
    # Five blocks at each mark, and one of three times the size at each third: six blocks in all.
    block = BYTES + 33
    assert limit["restart_marks"] == pytest.approx(limit["left_bytes"] / (6 * block), rel=0.3)
    # All that is old is there yet: (s + 1) / (s + 2).
    assert 0.99 < fast["p_leak"] < 1
    assert fast["p_chance"] < 1e-6
    # None of its blocks is ever freed; of those that come and go most don't outlive their window.
    assert set(fast["survival"]) == {1}
    assert entry_of(report, script, "comes and goes")["survival"][0] < 0.5
    # At each mark the blocks of all rounds so far, not one more or less.
    block = fast["size_bytes"] // fast["count"]
    assert fast["course"] == [5 * block * (n + 1) for n in range(ROUNDS)]
    assert report["course"]["by_marks"] and len(report["course"]["slices"]) == ROUNDS


def test_the_verdict_names_leaks_first(trace, python, tmp_path):
    script = tmp_path / "trends.py"
    script.write_text(PROGRAM.replace("# leaks slowly", "# slowly"))
    run = trace(python, script)
    verdict = run.report()["verdict"]
    assert verdict["kind"] == "leak" and verdict["confidence"] == "high", verdict
    assert f"{script}:{line_of(script, '# leaks')} " in verdict["reasons"][0]
    assert f"{script}:{line_of(script, '# slowly')} " in verdict["reasons"][1]
    assert any(f"{script}:{line_of(script, '# fills')} filled up" in reason for reason in verdict["reasons"])
    text = subprocess.run([COMMAND, "report", run.path], capture_output=True, text=True, check=True).stdout
    assert text.startswith("leak: ")
    assert text.rstrip().splitlines()[-1].count(f"'trends.py:{line_of(script, '# leaks')} '") == 1


def test_without_a_leak_there_is_no_such_verdict(trace, python, tmp_path):
    script = tmp_path / "trends.py"
    script.write_text(PROGRAM.replace("leaked[5 * i + k]", "leaked[k]").replace("thirds[i]", "thirds[0]"))
    report = trace(python, script).report()
    assert report["verdict"]["kind"] == "cache", report["verdict"]
    assert {row["trend"] for row in report["growth"]} == {"none", "fills"}


def test_too_short_to_tell(trace, python, tmp_path):
    script = tmp_path / "trends.py"
    script.write_text(PROGRAM.replace('b"iteration"', 'b"round"'))
    report = trace(python, script).report()
    assert report["verdict"] is None or report["verdict"]["kind"] != "leak"
    assert {row["trend"] for row in report["growth"]} == {"too short"}


BY_TIME = """\
import ctypes, time
library = ctypes.CDLL(None)
FILL = b"."
leaked, cached, used = [None] * 100_000, [None] * 100_000, [None] * 100_000
begin = time.monotonic()
i = 0
while time.monotonic() - begin < 11:
    leaked[i] = FILL * 5000  # leaks
    if time.monotonic() - begin < 5:
        cached[i] = FILL * 5000  # fills
    if time.monotonic() - begin < 9:
        full = i + 1
    at = i % full
    used[at] = FILL * 5000  # full at last
    i += 1
    if i == 500 and hasattr(library, "memtrace_mark"):
        library.memtrace_mark(b"somewhere")
    time.sleep(0.005)
print(i, full)
"""


def test_windows_by_time(trace, any_python, tmp_path):
    script = tmp_path / "by_time.py"
    script.write_text(BY_TIME)
    # How many turns it makes differs from run to run.
    run = trace(any_python, script, compare=False)
    report = run.report()
    assert entry_of(report, script, "leaks")["trend"] == "leaks"
    assert entry_of(report, script, "fills")["trend"] == "fills"
    assert not report["course"]["by_marks"]
    # What was full only after four fifths of the run, and goes on being used, is no leak.
    used = entry_of(report, script, "full at last")
    assert used["trend"] == "fills"
    # One block at each turn, of which those live that fit; the last turns come after the last slice.
    turns, full = map(int, run.stdout.split())
    assert sum(used["births"]) == pytest.approx(turns, rel=0.05)
    assert used["count"] == full and sum(used["births_living"]) == pytest.approx(full, rel=0.05)
    # Every slice is what the points of the profile say: the last one's time is the last point's before `end`.
    end = next(mark["seconds"] for mark in report["marks"] if mark["name"] == "end")
    points = [point for point in run.section("PNTS") if point["time_ms"] <= end * 1000]
    assert report["course"]["slices"][-1]["seconds"] * 1000 == pytest.approx(points[-1]["time_ms"])
    # The program's mark stands below the slice that it lies in.
    text = subprocess.run([COMMAND, "report", run.path], capture_output=True, text=True, check=True,
                          env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout
    [somewhere] = [mark["seconds"] for mark in report["marks"] if mark["name"] == "somewhere"]
    slices = report["course"]["slices"]
    [marks] = [line[5:] for line in text.splitlines() if line.startswith("mark ")]
    assert marks == " " * sum(part["seconds"] < somewhere for part in slices) + "^"
    [resident] = [line.split()[1] for line in text.splitlines() if line.startswith("rss ")]
    assert len(resident) == len(slices) and resident[-1] == "█"
    # Filtering rows out changes nothing of what is found.
    some = json.loads(subprocess.run([COMMAND, "report", "--json", "--ignore", "by_time", run.path],
                                     capture_output=True, text=True, check=True).stdout)
    assert some["verdict"] == report["verdict"]


GROWS_AND_RESTS = """\
import gc, time
gc.disable()
for generation in (0, 0, 0, 1, 1, 2):
    gc.collect(generation)
kept = [bytearray(1_000_000) for _ in range(40)]
time.sleep(3)
print([generation["collections"] for generation in gc.get_stats()])
print(*(int(line.split()[1]) * 1024 for line in open("/proc/self/smaps_rollup") if line.startswith("Pss:")))
"""


def test_the_timeline_tells_all_that_is_known(trace, python, tmp_path):
    script = tmp_path / "rests.py"
    script.write_text(GROWS_AND_RESTS)
    run = trace(python, script, compare=False)
    collections, pss = run.stdout.splitlines()
    report = run.report()
    timeline, points, looks = report["timeline"], run.section("PNTS"), run.section("RSET")
    assert [entry["seconds"] for entry in timeline] == [point["time_ms"] / 1000 for point in points]
    assert [entry["rss_bytes"] for entry in timeline] == [point["rss_bytes"] or None for point in points]
    # While it rests: what it had by then, as it says itself.
    assert json.loads(collections) in [entry["collections"] for entry in timeline]
    looked = [entry for entry in timeline if entry["looked_seconds"]]
    assert looked[-1]["looked_seconds"] == pytest.approx(looks[-1]["time_ns"] / 1e9)
    assert any(abs(entry["pss_bytes"] - int(pss)) < 4 << 20 for entry in looked), (pss, looked)
    total = next(int(line.split()[1]) * 1024 for line in open("/proc/meminfo") if line.startswith("MemTotal:"))
    assert {entry["machine_bytes"] for entry in looked} == {total}
    assert all(0 < entry["machine_available_bytes"] < total for entry in looked)
    # Forty blocks that malloc maps one by one.
    assert any(entry["c_mapped_bytes"] >= 40_000_000 for entry in looked)

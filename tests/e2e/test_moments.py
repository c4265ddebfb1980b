"""Growth between any two moments, after the fact: what was live at each point of the course."""

import pytest
from conftest import line_of

FIRST, SECOND, BYTES = 40, 25, 100_000

# Nothing happens in the pauses but that time goes by.
PROGRAM = f"""\
import ctypes
import time
FILL = b"."
library = ctypes.CDLL(None)
def mark(name):
    if hasattr(library, "memtrace_mark"):
        library.memtrace_mark(name)
kept = [None] * 1000
mark(b"before")
for i in range({FIRST}):
    kept[i] = FILL * {BYTES}  # first
mark(b"between")
time.sleep(2)
for i in range({SECOND}):
    kept[100 + i] = FILL * {BYTES}  # second
time.sleep(2)
mark(b"after")
kept.clear()
"""


@pytest.fixture
def traced(trace, any_python, tmp_path):
    script = tmp_path / "pauses.py"
    script.write_text(PROGRAM)
    return script, trace(any_python, script)


def figures(run, script, *args):
    return [run.line(script, line_of(script, "# " + name), *args)["count_diff"] for name in ("first", "second")]


def test_growth_between_points(traced):
    script, run = traced
    at = {mark["name"]: mark["seconds"] for mark in run.report()["marks"]}
    points = [point["time_ms"] / 1000 for point in run.section("PNTS")]
    early = [time for time in points if at["between"] + 0.5 < time < at["between"] + 1.9]
    late = [time for time in points if at["after"] - 1.9 < time < at["after"]]
    assert early and late, "the collector slept for more than a second"
    assert figures(run, script, "--to", f"{early[0]}s") == [FIRST, 0]
    assert figures(run, script, "--from", f"{early[-1]}s", "--to", f"{late[0]}s") == [0, SECOND]
    assert figures(run, script, "--from", "before", "--to", f"{late[-1]}s") == [FIRST, SECOND]
    assert figures(run, script, "--from", f"{late[0]}s") == [-FIRST, -SECOND]


def test_each_point_is_as_the_profile_says(traced):
    _, run = traced
    end = next(mark["seconds"] for mark in run.report()["marks"] if mark["name"] == "end")
    points = [point for point in run.section("PNTS") if point["time_ms"] / 1000 < end]
    for point in points[::5]:
        seconds = point["time_ms"] / 1000
        report = run.report("--to", f"{seconds}s")
        marks = [mark for mark in report["marks"] if mark["seconds"] == seconds]
        assert marks or report["to"] == {"name": f"{seconds:.3f}s", "seconds": seconds, "asked_seconds": seconds}
        assert marks or (report["total"]["size_bytes"], report["total"]["count"]) == (
            point["live_bytes"], point["live_blocks"])
        assert marks or report["arenas"]["bytes"] == point["arena_bytes"]


def test_the_report_says_which_moment_it_was(traced):
    _, run = traced
    at = {mark["name"]: mark["seconds"] for mark in run.report()["marks"]}
    points = [point["time_ms"] / 1000 for point in run.section("PNTS")]
    point = max(time for time in points if time < at["after"])
    assert point > at["between"]
    text = run.report_text("--to", f"{point + 0.0004:.4f}s")
    assert f"the last figures by then are those at {point:.3f}s\n" in text
    assert f"Growth from start to {point:.3f}s, by line" in text
    # Behind the end there is only teardown.
    assert "the last mark by then is end, at" in run.report_text("--to", "1h")

"""A profile for other tools: what they read is what the report says, to the byte."""

import json
import pathlib
import re
import subprocess

import pytest
from conftest import COMMAND, line_of

SCHEMA = pathlib.Path(__file__).parent.parent / "data" / "speedscope-schema.json"

# Some lines grow after the mark, one shrinks. A frame's file has what folded stacks are split by.
PROGRAM = """\
import ctypes, threading
def fill(count, bytes):
    return [b"." * (bytes + i % 7) for i in range(count)]  # fills
def recurse(depth):
    return recurse(depth - 1) if depth else fill(50, 3000)  # recurses
early = fill(200, 1000)  # goes
small = fill(5000, 60)
library = ctypes.CDLL(None)
if hasattr(library, "memtrace_mark"):
    library.memtrace_mark(b"warm")
late = fill(100, 2000)  # comes
deep = recurse(30)
made = {}
exec(compile("kept = [bytes(5000) for i in range(9)]", "<made; by hand>\\n", "exec"), made)
exec(compile("def a_b(): return bytearray(70000)\\n", "/x;y z.py", "exec"), made)
odd = made["a_b"]()
thread = threading.Thread(target=lambda: made.update(t=bytes(123456)), name="work; er")
thread.start()
thread.join()
del early, small[::2]
"""

TOTALS = {"live": ("total", "size_bytes"), "growth": ("total", "size_diff_bytes"),
          "peak": ("total", "peak_bytes"), "total": ("total", "total_bytes"),
          "pinned": ("pins_total", "pinned_bytes")}


@pytest.fixture
def run(trace, any_python, tmp_path):
    script = tmp_path / "heavy.py"
    script.write_text(PROGRAM)
    traced = trace(any_python, script)
    traced.script = script
    return traced


def export(*args):
    done = subprocess.run([COMMAND, "export", *map(str, args)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def parse_folded(text):
    """As flamegraph.pl reads: the last space splits, and the front is split at semicolons."""
    stacks = []
    for line in text.split("\n")[:-1]:
        found = re.fullmatch(r"(.*)\s+?(\d+)", line)
        assert found, line
        stacks.append((tuple(found[1].split(";")), int(found[2])))
    assert text.endswith("\n") or not text
    return stacks


def folded(run, *args):
    return parse_folded(export("--format", "folded", *args, run.path)[0])


def speedscope(run, *args):
    jsonschema = pytest.importorskip("jsonschema", reason="no jsonschema: apt-get install python3-jsonschema")
    document = json.loads(export("--format", "speedscope", *args, run.path)[0])
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    return document


def samples_of(document, index):
    """What its viewer does: indices of frames, a weight for each sample."""
    profile = document["profiles"][index]
    frames = document["shared"]["frames"]
    assert len(profile["samples"]) == len(profile["weights"])
    assert profile["endValue"] == sum(profile["weights"])
    return [(tuple((frames[i]["name"], frames[i].get("file"), frames[i].get("line")) for i in sample), weight)
            for sample, weight in zip(profile["samples"], profile["weights"])]


def total_of(run, weight, *args):
    part, key = TOTALS[weight]
    return run.report("--by", "stack", *args)[part][key]


@pytest.mark.parametrize("weight", TOTALS)
def test_weights_add_up_to_the_report(run, weight):
    expected = total_of(run, weight)
    assert expected > 0
    assert sum(bytes for _, bytes in folded(run, "--weight", weight)) == expected
    document = speedscope(run, "--weight", weight)
    assert len(document["profiles"]) == 1
    assert sum(document["profiles"][0]["weights"]) == expected


def test_every_stack_of_the_report_is_there(run):
    rows = [(tuple((f["function"], f["file"], f["line"]) for f in reversed(row["stack"])), row["size_bytes"])
            for row in run.report("--by", "stack")["growth"] if row["size_bytes"]]
    rows = sorted([(stack or (("(no Python frame)", None, None),), size) for stack, size in rows], key=str)
    assert sorted(samples_of(speedscope(run, "--weight", "live"), 0), key=str) == rows

    def label(frame):
        function, file, line = frame
        text = function if file is None else f"{function} {file}" + (f":{line}" if line is not None else "")
        return text.replace(";", ":").replace("\n", "?")
    assert sorted(folded(run), key=str) == sorted(
        [(tuple(map(label, stack)), size) for stack, size in rows], key=str)


def test_all_weights_stand_side_by_side(run):
    document = speedscope(run)
    sums = [sum(profile["weights"]) for profile in document["profiles"]]
    assert sums == [total_of(run, weight) for weight in ("live", "growth", "pinned", "peak", "total")]


def test_frames_come_root_first_and_as_often_as_they_recur(run):
    deep = [stack for stack, bytes in folded(run) if sum(frame.startswith("recurse ") for frame in stack) > 1]
    recurses = line_of(run.script, "# recurses")
    assert deep
    for stack in deep:
        assert stack[0].startswith("<module> ")
        assert stack[1:32] == (f"recurse {run.script}:{recurses}",) * 31
        assert stack[32].startswith("fill ")


def test_growth_leaves_out_what_shrank_and_says_so(run):
    text, said = export("--format", "folded", "--weight", "growth", "--from", "warm", run.path)
    shrunk = sum(-row["size_diff_bytes"]
                 for row in run.report("--by", "stack", "--from", "warm")["growth"]
                 if row["size_diff_bytes"] < 0)
    assert shrunk > 200 * 1000
    assert f"{shrunk} bytes" in said
    grown = sum(bytes for _, bytes in parse_folded(text))
    assert grown - shrunk == total_of(run, "growth", "--from", "warm")
    goes = line_of(run.script, "# goes")
    assert not [stack for stack, _ in parse_folded(text) if f"{run.script}:{goes}" in stack[0]]


def test_what_is_live_at_a_mark(run):
    goes = f"{run.script}:{line_of(run.script, '# goes')}"
    assert not [stack for stack, _ in folded(run) if stack[0].endswith(goes)]
    at_mark = folded(run, "--to", "warm")
    assert sum(bytes for stack, bytes in at_mark if stack[0].endswith(goes)) >= 200 * 1000
    assert sum(bytes for _, bytes in at_mark) == total_of(run, "live", "--to", "warm")


def test_focus_and_ignore(run):
    for option in "--focus", "--ignore":
        expected = total_of(run, "live", option, "recurse")
        assert sum(bytes for _, bytes in folded(run, option, "recurse")) == expected > 0


def test_threads_are_roots_when_they_are_asked_for(run):
    stacks = folded(run, "--threads")
    assert sum(bytes for _, bytes in stacks) == total_of(run, "live")
    assert all(stack[0].startswith(("thread ", "(no Python frame)")) for stack, _ in stacks)
    assert sum(bytes for stack, bytes in stacks if len({s[0] for s, _ in stacks}) > 1) > 0


def test_into_a_file_but_never_into_the_profile(run, tmp_path):
    out = tmp_path / "live.folded"
    text, _ = export("--format", "folded", "-o", out, run.path)
    assert text == ""
    assert out.read_text() == export("--format", "folded", run.path)[0]
    before = run.path.read_bytes()
    done = subprocess.run([COMMAND, "export", "--format", "folded", "-o", run.path, run.path],
                          capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert "profile itself" in done.stderr
    assert run.path.read_bytes() == before
    done = subprocess.run([COMMAND, "export", "--format", "folded", "-o", tmp_path / "no" / "x", run.path],
                          capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert str(tmp_path / "no" / "x") in done.stderr

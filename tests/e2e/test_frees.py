"""MEMTRACE_FREES=1: the stacks that free, as they were constructed, and every freed block with one."""

import collections
import os
import signal
import subprocess

import pytest

from collectors import group_of_collector
from conftest import PROGRAMS, Profile, line_of, memtrace, python_build
from environments import venv_python

EVERY_INTERPRETER = True
OTHER_STACKS = (1 << 32) - 1
PROGRAM = """\
import gc, os, sys, threading, time
LETTER = b"x"
class Node:
    __slots__ = ("peer", "body")
def make(count, size):
    kept = [None] * count
    for index in range(count):
        kept[index] = LETTER * size  # made
    return kept
def delete(kept):
    del kept[:]  # deleted
def local(count):
    kept = [None] * count
    for index in range(count):
        kept[index] = LETTER * 700  # local
    return None  # returned
def throw(count):
    for _ in range(count):
        LETTER * 300  # thrown
def alternate(count):
    for number in range(count):
        piece = LETTER * 250  # piece
        if number % 3:
            del piece  # two
        else:
            piece = None  # one
def cycles(count):
    for _ in range(count):
        node = Node()
        node.peer = node
        node.body = LETTER * 800  # body
def drop(box):
    del box[:]  # in thread
def grow(count):
    buffer = bytearray()
    for _ in range(count):
        buffer += LETTER * 5000  # grown
def main():
    gc.disable()
    delete(make(1_500, 400))
    delete(make(1_500, 900))
    local(1_000)  # called
    throw(2_000)
    alternate(1_800)
    cycles(600)
    gc.collect()  # collected
    box = [LETTER * 750 for _ in range(500)]  # boxed
    thread = threading.Thread(target=drop, args=(box,))
    thread.start()
    thread.join()
    # 3.12 warns of a fork while a thread is left, and this one may be on its way out.
    while sys.argv[1] == "fork" and len(os.listdir("/proc/self/task")) > 1:
        time.sleep(0.001)
    grow(200)
    if sys.argv[1] == "wait":
        print("ready", flush=True)
        time.sleep(600)
    inherited = [LETTER * 650 for _ in range(400)]  # inherited
    child = os.fork() if sys.argv[1] == "fork" else 0
    if child:
        os.waitpid(child, 0)
        os._exit(0)
    inherited.clear()  # cleared
    os._exit(0)
main()
"""


def by_lines(profile, script):
    """(line that allocated, line that freed) -> blocks and bytes, all and by how."""
    chains = profile.chains()

    def line(stack):
        chain = chains.get(stack, ())
        return chain[0][2] if chain and chain[0][0] == str(script) else None
    sums = collections.defaultdict(collections.Counter)
    for record in profile.section("FREE"):
        assert record["by"] != OTHER_STACKS
        sums[line(record["stack"]), line(record["by"])].update(
            {key: record[key] for key in record if key not in ("section", "stack", "by")})
    return sums


def every_free_has_a_stack(profile):
    freed = collections.Counter()
    for record in profile.section("FREE"):
        freed[record["stack"], "blocks"] += record["blocks"]
        freed[record["stack"], "bytes"] += record["bytes"]
    expected = collections.Counter()
    for site in profile.section("SITE"):
        expected[site["stack"], "blocks"] = site["freed_blocks"]
        expected[site["stack"], "bytes"] = site["freed_bytes"]
    assert +freed == +expected


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "frees.py"
    path.write_text(PROGRAM)
    return path


def lines_of(script):
    return {comment: line_of(script, "# " + comment) for comment in (
        "made", "deleted", "local", "returned", "thrown", "piece", "one", "two", "called", "body",
        "collected", "boxed", "in thread", "grown", "inherited", "cleared")}


@pytest.fixture
def ran(trace, script):
    def run(python, how="stay", **env):
        done = trace(python, script, how, env={"MEMTRACE_FREES": "1", **env})
        return done, script, lines_of(script)
    return run


def check_lines(sums, lines, build):
    def size(letters):
        return build.empty_bytes + letters

    def freed(allocated, *by):
        return sum((sums[lines[allocated], lines[line]] for line in by), collections.Counter())

    assert freed("made", "deleted")["blocks"] == 3_000
    assert freed("made", "deleted")["bytes"] == 1_500 * (size(400) + size(900))
    # The frame is the innermost until it is gone, or its caller is: by the version.
    last = freed("local", "returned", "called")
    assert last["blocks"] == 1_000 and last["bytes"] == 1_000 * size(700)
    thrown = freed("thrown", "thrown")
    assert thrown["blocks"] == 2_000 and thrown["bytes"] == 2_000 * size(300)
    # Small ones that come and go are counted for both lines, too.
    assert [freed("piece", who)["blocks"] for who in ("one", "two")] == [600, 1_200]
    body = freed("body", "collected")
    assert body["gc_blocks"] == body["blocks"] == 600
    assert body["gc_bytes"] == 600 * size(800)
    if not build.free_threaded:
        # There the thread that made them frees them.
        assert freed("boxed", "in thread")["bytes"] >= 500 * size(750)
    grown = freed("grown", "grown")
    assert grown["moved_blocks"] > 10 and grown["moved_bytes"] > 5000 * 10


def test_who_frees_is_told(ran, python):
    run, script, lines = ran(python)
    check_lines(by_lines(run, script), lines, python_build(python))
    every_free_has_a_stack(run)
    assert run.info()["frees"] == "1"


@pytest.mark.parametrize("env", [{"MEMTRACE_EVENTS": "all"}, {"PYTHONMALLOC": "malloc"},
                                 {"PYTHONMALLOC": "debug"}, {"MEMTRACE_JOURNAL": "64KiB"}],
                         ids=lambda env: "-".join(next(iter(env.items()))))
def test_however_events_come(ran, any_python, env):
    run, script, lines = ran(any_python, **env)
    check_lines(by_lines(run, script), lines, python_build(any_python))
    every_free_has_a_stack(run)


def test_a_child_frees_what_it_inherited(ran, python):
    run, script, lines = ran(python, "fork")
    parent, child = sorted(run.profiles(), key=lambda profile: "forked" in profile.info())
    mine, its = by_lines(parent, script), by_lines(child, script)
    key = lines["inherited"], lines["cleared"]
    assert key not in mine and its[key]["blocks"] >= 400
    assert its[key]["bytes"] >= 400 * (python_build(python).empty_bytes + 650)
    # What the parent freed before is told in both.
    check_lines(mine, lines, python_build(python))
    check_lines(its, lines, python_build(python))
    every_free_has_a_stack(child)


def test_the_interpreters_end_frees_nothing_for_anybody(trace, tmp_path, any_python):
    script = tmp_path / "kept.py"
    script.write_text("import itertools\nL = b'x'\n"
                      "kept = [L * 600 for _ in itertools.repeat(None, 3_000)]  # kept\n")
    run = trace(any_python, script, env={"MEMTRACE_FREES": "1"})
    line = line_of(script, "# kept")
    freed = sum((sums for (allocated, _), sums in by_lines(run, script).items() if allocated == line),
                collections.Counter())
    assert freed["blocks"] - freed["moved_blocks"] < 10
    assert run.line(script, line)["count"] >= 3_000


def test_nothing_of_it_is_lost_when_all_are_killed(trace, script, any_python):
    """Pairs that wait in the table and its counters, what is in the ring, and a checkpoint."""
    program = trace.start(any_python, script, "wait", stdout=subprocess.PIPE, text=True,
                          env={"MEMTRACE_FREES": "1", "MEMTRACE_JOURNAL": "64KiB"})
    try:
        assert program.stdout.readline() == "ready\n"
        os.killpg(group_of_collector(trace.out), signal.SIGKILL)
    finally:
        program.kill()
        program.wait()
        program.stdout.close()
    path = trace.out / "run.memtrace"
    assert memtrace("recover", path).returncode == 0
    profile = Profile(path)
    check_lines(by_lines(profile, script), lines_of(script), python_build(any_python))
    every_free_has_a_stack(profile)


@pytest.mark.hazard("frames that are switched")
def test_stacks_that_are_switched(trace, tmp_path):
    """greenlet frees the copy of a stack while the interpreter's frames are those of another."""
    script = PROGRAMS / "packages/greenlets.py"
    run = trace(venv_python("packages"), script, 200, tmp_path / "seen", env={"MEMTRACE_FREES": "1"})
    assert run.info()["frees"] == "1" and run.section("FREE")


DYING = """\
import sys
for number in range(3_000):
    scope = {"sys": sys}
    text = f"def gone(part={number}):\\n    del sys._getframe(1).f_globals['made']['gone']\\n"
    made = {}
    exec(compile(text, f"<{number}>", "exec"), scope, made)
    made["gone"]()
print(len(made))
"""


@pytest.mark.hazard("code objects that go")
def test_code_that_goes_while_it_runs(trace, python, tmp_path):
    """The last reference to a function goes with its own frame, which 3.11 still shows meanwhile."""
    script = tmp_path / "dying.py"
    script.write_text(DYING)
    run = trace(python, script, env={"MEMTRACE_FREES": "1"})
    assert run.stdout == "0\n"
    assert not run.info()["stacks"].startswith("off")


def test_without_the_variable_nobody_is_told(ran, any_python):
    run, _, _ = ran(any_python, MEMTRACE_FREES="0")
    assert not run.section("FREE") and "frees" not in run.info()


def freed_by(report, script, line):
    """(line, count, bytes, gc_count, moved_count) of each of those who free a line's blocks."""
    row, = [row for row in report["growth"] if (row["file"], row["line"]) == (str(script), line)]
    assert all(entry["file"] == str(script) for entry in row["freed_by"])
    return [tuple(entry[key] for key in ("line", "count", "bytes", "gc_count", "moved_count"))
            for entry in row["freed_by"]]


def test_a_report_tells_who_frees(ran, any_python):
    run, script, lines = ran(any_python)
    sizes = python_build(any_python).empty_bytes
    report = run.report()
    assert freed_by(report, script, lines["made"]) == [
        (lines["deleted"], 3_000, 1_500 * (2 * sizes + 1_300), 0, 0)]
    assert freed_by(report, script, lines["body"]) == [
        (lines["collected"], 600, 600 * (sizes + 800), 600, 0)]
    page = run.report_text("--frees", "-n", "0")
    place = f"{script}:{lines['made']}: 3,000 of 3,000 blocks freed, "
    told = page[page.index("Who frees the blocks of these rows"):].splitlines()
    at = next(number for number, line in enumerate(told) if line.strip().startswith(place))
    assert told[at + 1].strip().startswith(f"{script}:{lines['deleted']}: 3,000 blocks, ")
    assert f"{script}:{lines['collected']}: 600 blocks, " in page and "by the cyclic collector" in page
    # One line frees what two stacks made, for main calls both twice.
    stacks = [row for row in run.report("--by", "stack", "--focus", f"frees.py:{lines['made']} ")["growth"]
              if (row["file"], row["line"]) == (str(script), lines["made"])]
    assert [[(entry["line"], entry["count"]) for entry in row["freed_by"]] for row in stacks] == [
        [(lines["deleted"], 1_500)]] * 2
    by_function = run.report("--by", "function", "--focus", "frees.py:[0-9]+ make$")["growth"]
    # With the two lists of them.
    assert ("delete", 3_002) in [(entry["function"], entry["count"])
                                 for row in by_function if row["function"] == "make"
                                 for entry in row["freed_by"]]


def test_a_report_of_a_run_that_did_not_record_it(ran, any_python):
    run, _, _ = ran(any_python, MEMTRACE_FREES=None)
    assert all(row["freed_by"] is None for row in run.report()["growth"])
    assert "who frees wasn't recorded" in run.report_text("--frees")
    assert "Who frees" not in run.report_text()


LEAK = """\
import ctypes
LETTER = b"x"
kept, some = [None] * 750, []
for turn in range(15):
    for number in range(50):
        place = 50 * turn + number
        kept[place] = LETTER * 5000  # kept
        some.append(LETTER * 6000)  # some
    del some[-40:]  # cut
    ctypes.CDLL(None).memtrace_mark(b"iter")
"""


def test_rows_that_grow_say_who_frees_the_others(any_python, tmp_path):
    script = tmp_path / "leak.py"
    script.write_text(LEAK)
    profile = tmp_path / "run.memtrace"
    assert memtrace("run", "--frees", "-o", profile, any_python, script).returncode == 0
    page = memtrace("report", profile, COLUMNS="200").stdout.splitlines()

    def below(comment):
        """The lines of the row, as far as the next one."""
        start = f"{script}:{line_of(script, comment)}: "
        at = next(number for number, line in enumerate(page) if line.startswith(start))
        return "\n".join(page[at:at + 4])
    # One is the list's own array.
    assert f"600 of 751 blocks freed, by {script}:{line_of(script, '# cut')} (100 %)" in below("# some")
    assert "nobody frees any of it" in below("# kept")

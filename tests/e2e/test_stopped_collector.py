"""A collector that is stopped: the program waits two seconds for it, once, or as long as it is told to."""

import os
import signal
import subprocess
import time

import pytest
from collectors import group_of_collector
from conftest import COMMAND, Profile, line_of, wait_for

PATIENCE = 2
# More than the ring holds, of blocks that don't cancel out.
PROGRAM = """\
import sys
FILL, kept = b".", [None] * 100_000
print("ready", flush=True)
sys.stdin.readline()
for i in range(100_000):
    kept[i] = FILL * 467  # fill
print(kept.count(kept[0]), flush=True)
"""


@pytest.fixture
def stopped(trace, any_python):
    """begin(MEMTRACE_...) gives a program that is about to fill its ring, its collector, and its script."""
    programs, collectors = [], []

    def begin(**env):
        script = trace.work / "program.py"
        script.write_text(PROGRAM)
        program = trace.start(any_python, script, env={"MEMTRACE_RING": "64KiB", **env}, text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        programs.append(program)
        assert program.stdout.readline() == "ready\n"
        collectors.append(wait_for(lambda: group_of_collector(trace.out), what="collector"))
        os.kill(collectors[0], signal.SIGSTOP)
        program.stdin.write("go\n")
        program.stdin.flush()
        return program, collectors[0], script

    yield begin
    for program in programs:
        program.kill()
        program.communicate()
    for collector in collectors:
        try:
            os.kill(collector, signal.SIGKILL)
        except ProcessLookupError:
            pass


def waited(profile):
    return profile.report()["process"]["waited_seconds"]


def text_of(profile):
    done = subprocess.run([COMMAND, "report", profile.path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.hazard("a collector that stands still")
def test_the_program_gives_it_up(trace, stopped):
    """It waits once, not once more for each event; and what it says of that is in its profile."""
    program, collector, script = stopped(MEMTRACE_WAIT="0s")
    out, err = program.communicate(timeout=120)
    assert (program.returncode, out, err) == (0, "100000\n", "")
    os.kill(collector, signal.SIGCONT)
    profile = trace.wait_for_profile()
    # Its own clock; what a busy machine adds to it is less than what a second wait would.
    assert PATIENCE <= waited(profile) < 2 * PATIENCE + 10
    assert 0 < profile.line(script, line_of(script, "# fill"))["count"] < 100_000
    told = text_of(profile)
    assert told.count("recording stopped at") == told.count("; the program waited ") == 1


def test_the_program_waits_as_it_was_told(trace, stopped):
    program, collector, script = stopped(MEMTRACE_FULL="wait")
    time.sleep(2 * PATIENCE)
    assert program.poll() is None
    os.kill(collector, signal.SIGCONT)
    out, err = program.communicate(timeout=120)
    assert (program.returncode, out, err) == (0, "100000\n", "")
    profile = Profile(trace.out / "run.memtrace")
    profile.check()
    assert profile.line(script, line_of(script, "# fill"))["count"] == 100_000
    assert waited(profile) > PATIENCE
    process = profile.report()["process"]
    assert (process["end"], process["lost_events"]) == ("exit", 0)


def test_waiting_ends_with_the_collector(trace, stopped):
    """The one that it waits for is killed while it is stopped."""
    program, collector, script = stopped(MEMTRACE_FULL="wait")
    time.sleep(PATIENCE / 2)
    assert program.poll() is None
    os.kill(collector, signal.SIGKILL)
    out, err = program.communicate(timeout=120)
    assert (program.returncode, out, err) == (0, "100000\n", "")
    profile = Profile(trace.out / "run.memtrace")
    assert 0 < profile.line(script, line_of(script, "# fill"))["count"] < 100_000
    wait_for(lambda: not list(trace.out.glob("*.ring")), what="end of the recovery")

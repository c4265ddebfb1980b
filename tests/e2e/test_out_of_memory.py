"""Killed by the kernel for want of memory, in a cgroup of its own."""

import pathlib
import signal
import subprocess

import pytest
from cgroups import group_limited_to, inside
from collectors import group_of_collector
from conftest import Profile, line_of, wait_for

# The ring and the journal are charged to the group as well.
LIMIT = 96 << 20
PROGRAM = """\
import sys
CHUNK, kept, tell = 1 << 16, [None] * 100_000, open("said", "wb", 0)
print("ready", flush=True)
sys.stdin.readline()
for i in range(len(kept)):
    kept[i] = b"." * CHUNK  # leak
    tell.seek(0)
    tell.write(b"%010d" % (i + 1))
"""


@pytest.fixture
def group():
    with group_limited_to(LIMIT) as made:
        yield made


def start(trace, python, group):
    script = trace.work / "program.py"
    script.write_text(PROGRAM)
    program = trace.start(*inside(group, python, script), stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert program.stdout.readline() == "ready\n"
    collector = wait_for(lambda: group_of_collector(trace.out), what="collector")
    assert str(collector) in (group.path / "cgroup.procs").read_text().split()
    return program, collector, script


def run_out_of_memory(program, group):
    program.communicate("go\n", timeout=300)
    assert program.returncode == -signal.SIGKILL
    assert group.kills() > 0


def blocks_and_said(trace, script):
    profile = Profile(trace.out / "run.memtrace")
    entry = profile.line(script, line_of(script, "# leak"))
    return profile, entry, int((trace.work / "said").read_text())


@pytest.mark.hazard("sudden ends")
def test_out_of_memory(trace, any_python, group):
    """Being the largest. Its collector, which would have gone first at the same size, writes all of it; of
    a group that dies as a whole a recovery does."""
    program, collector, script = start(trace, any_python, group)
    own, programs = (int(pathlib.Path(f"/proc/{pid}/oom_score_adj").read_text())
                     for pid in (collector, program.pid))
    assert own > programs
    run_out_of_memory(program, group)
    if group.version == 1:
        trace.wait_for_profile()
    profile, entry, said = blocks_and_said(trace, script)
    # One more may have been made, and not said.
    assert said <= entry["count"] <= said + 1
    assert entry["size_bytes"] > LIMIT / 2
    assert profile.report()["process"]["end"] == "died"
    profile.check(killed=True)
    assert list(trace.out.iterdir()) == [profile.path]

"""Killed by the kernel for want of memory, in a cgroup of its own."""

import os
import pathlib
import signal
import subprocess

import pytest
from collectors import group_of_collector
from conftest import Profile, line_of, wait_for

ROOT = pathlib.Path("/sys/fs/cgroup")
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


class Group:
    """A memory cgroup with a limit. v1: the kernel kills one process; v2: all of the group at once."""

    def __init__(self, parent, version):
        self.version, self.path = version, parent / f"memtrace-test-{os.getpid()}"
        self.path.mkdir()

    def write(self, name, value):
        (self.path / name).write_text(f"{value}\n")

    def limit(self, limit):
        if self.version == 1:
            self.write("memory.limit_in_bytes", limit)
            swap = "memory.memsw.limit_in_bytes"
        else:
            self.write("memory.max", limit)
            self.write("memory.oom.group", 1)
            swap = "memory.swap.max"
        if (self.path / swap).exists():
            self.write(swap, limit if self.version == 1 else 0)

    def kills(self):
        name = "memory.oom_control" if self.version == 1 else "memory.events"
        told = dict(line.split() for line in (self.path / name).read_text().splitlines())
        return int(told["oom_kill"])

    def remove(self):
        def gone():
            for pid in (self.path / "cgroup.procs").read_text().split():
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    pass
            try:
                self.path.rmdir()
            except OSError:
                return False
            return True
        wait_for(gone, what="end of the group")


def make_group():
    """As privileges and the machine allow; None and the reason where they don't."""
    controllers = ROOT / "cgroup.controllers"
    try:
        if controllers.exists() and "memory" in controllers.read_text().split():
            (ROOT / "cgroup.subtree_control").write_text("+memory\n")
            return Group(ROOT, 2), None
        if (ROOT / "memory/memory.oom_control").exists():
            return Group(ROOT / "memory", 1), None
    except OSError as error:
        return None, f"a memory cgroup can't be made: {error}; run the tests as root"
    return None, "there is no memory controller of cgroups; boot with one"


@pytest.fixture
def group():
    made, why_not = make_group()
    if not made:
        pytest.skip(why_not)
    try:
        made.limit(LIMIT)
        yield made
    finally:
        made.remove()


def start(trace, python, group):
    script = trace.work / "program.py"
    script.write_text(PROGRAM)
    into_group = f"echo $$ > {group.path}/cgroup.procs && exec \"$@\""
    program = trace.start("/bin/sh", "-c", into_group, "sh", python, script, stdin=subprocess.PIPE,
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

"""Memory cgroups of a test's own."""

import contextlib
import os
import pathlib
import signal

import pytest
from conftest import wait_for

ROOT = pathlib.Path("/sys/fs/cgroup")


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


@contextlib.contextmanager
def group_limited_to(limit_bytes):
    made, why_not = make_group()
    if not made:
        pytest.skip(why_not)
    try:
        made.limit(limit_bytes)
        yield made
    finally:
        made.remove()


def inside(group, *command):
    """A command that runs another one in the group."""
    return "/bin/sh", "-c", f"echo $$ > {group.path}/cgroup.procs && exec \"$@\"", "sh", *command

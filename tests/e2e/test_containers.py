"""In a container the program is PID 1, each time anew: the kernel ends all processes with it, the collector
too, and the volume keeps what every one of its lives has left."""

import json
import os
import signal
import subprocess

import pytest
from conftest import COMMAND, LIBRARY, Profile, clean_environment, find_profiles, line_of, wait_for

SCRIPT = """\
import os, signal, sys, time
FILL, kept = b".", [None] * 5000
how, blocks = sys.argv[1], int(sys.argv[2])
says, told = os.pipe()
for i in range(blocks):
    kept[i] = FILL * 467  # first
if how in ("leaves a child", "kills a child"):
    pid = os.fork()
    if not pid:
        for i in range(2000, 2500):
            kept[i] = FILL * 467  # child
        kept[0] = None
        os.write(told, b".")
        time.sleep(600)
    os.read(says, 1)
    if how == "kills a child":
        os.kill(pid, signal.SIGKILL)
        os.wait()
if how == "waits":
    open(f"ready-{blocks}", "w").close()
    time.sleep(600)
"""


@pytest.fixture
def container(tmp_path, as_pid_1):
    """container(python, how, blocks) starts SCRIPT as PID 1, with one folder for all of its profiles."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    (tmp_path / "volume").mkdir()
    running = []

    def start(python, how, blocks):
        environment = clean_environment(LD_PRELOAD=LIBRARY,
                                        MEMTRACE_OUT=tmp_path / "volume/%x.%p.memtrace")
        running.append(subprocess.Popen([*as_pid_1, "--kill-child", python, script, how, str(blocks)],
                                        env=environment, cwd=tmp_path))
        return running[-1]
    start.volume, start.script, start.folder = tmp_path / "volume", script, tmp_path
    yield start
    for process in running:
        process.kill()
        process.wait()


def counts(container, path):
    profile = Profile(path)
    return tuple(profile.line(container.script, line_of(container.script, text))["count"]
                 for text in ("# first", "# child"))


def is_recovered(container, path, expected):
    """False while the last process of its namespace hasn't died yet."""
    try:
        return counts(container, path) == expected
    except AssertionError:
        return False


def test_the_profile_is_whole_when_pid_1_is_gone(any_python, container):
    assert container(any_python, "ends", 1000).wait(60) == 0
    assert [path.name for path in container.volume.iterdir()] == ["script.1.memtrace"]
    profile = Profile(container.volume / "script.1.memtrace")
    profile.check()
    assert counts(container, profile.path) == (1000, 0)


@pytest.mark.parametrize("how", ["leaves a child", "kills a child"])
def test_a_child_that_ends_with_pid_1(any_python, container, how):
    """Its collector is killed wherever it is. What it had put down is enough."""
    assert container(any_python, how, 1000).wait(60) == 0
    first, child = sorted(path for path in container.volume.iterdir() if path.suffix == ".memtrace")
    assert counts(container, first) == (1000, 0)
    assert counts(container, child) == (999, 500)
    process = Profile(child).report()["process"]
    assert (process["end"], process["forked"], process["parent_file"]) == ("died", True, str(first))


def test_every_life_keeps_its_profile(any_python, container):
    """PID 1 again, on the same volume: after an end, and after everything was killed and nobody recovered it."""
    lives = {1001: "ends", 1002: "waits", 1003: "waits", 1004: "ends"}
    for blocks, how in lives.items():
        process = container(any_python, how, blocks)
        if how == "waits":
            wait_for((container.folder / f"ready-{blocks}").exists, seconds=60, what="program")
            os.kill(process.pid, signal.SIGKILL)
        assert process.wait(60) == (-signal.SIGKILL if how == "waits" else 0)
    names = [f"script.1{suffix}.memtrace" for suffix in ("", "-2", "-3", "-4")]
    assert sorted(p.name for p in container.volume.iterdir() if p.suffix == ".memtrace") == sorted(names)
    for blocks, name in zip(lives, names):
        wait_for(lambda: is_recovered(container, container.volume / name, (blocks, 0)), seconds=60, what=name)
    done = subprocess.run([COMMAND, "report", "--json", "-n", "1", container.volume], capture_output=True,
                          text=True, check=True)
    processes = json.loads(done.stdout)["processes"]
    # The same number, and nobody's child.
    assert [(p["pid"], p["depth"], p["how"]) for p in processes] == [(1, 0, None)] * 4
    assert sorted(p["end"] for p in processes) == ["died", "died", "exit", "exit"]
    assert len(find_profiles(container.volume)) == 4

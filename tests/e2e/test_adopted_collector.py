"""Where the program is a subreaper, or PID 1, collectors are its children, and it never sees one."""

import subprocess

import pytest
from conftest import BUILD, LIBRARY, PROGRAMS, clean_environment, find_profiles

ADOPTER = PROGRAMS / "adopter.py"

BECOME_SUBREAPER = """\
import ctypes, os, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
os.environ["LD_PRELOAD"] = sys.argv[1]
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


def run_as_subreaper(python, script, folder, **env):
    return subprocess.run([python, "-c", BECOME_SUBREAPER, LIBRARY, script], capture_output=True, text=True,
                          timeout=30, env=clean_environment(MEMTRACE_OUT=folder / "r.memtrace", **env))


@pytest.mark.hazard("process 1 and subreapers")
def test_waiting_before_the_collector_has_begun(any_python, tmp_path):
    """wait() must not take it for a child even before it can say who it is."""
    slow = tmp_path / "slow-collector"
    slow.write_text(f'#!/bin/sh\nsleep 2\nexec {BUILD / "memtrace-collector"} "$@"\n')
    slow.chmod(0o755)
    script = tmp_path / "wait.py"
    script.write_text("import os\n"
                      "try:\n"
                      "    print(os.wait())\n"
                      "except ChildProcessError:\n"
                      "    print('no child')\n")
    done = run_as_subreaper(any_python, script, tmp_path, MEMTRACE_COLLECTOR=slow)
    assert (done.returncode, done.stdout, done.stderr) == (0, "no child\n", "")


@pytest.mark.hazard("process 1 and subreapers")
def test_a_killed_collector_is_not_waited_for(any_python, tmp_path):
    """Nobody reaps it, so its pid stays; a full ring that waits for any living collector must see it."""
    script = tmp_path / "kill.py"
    script.write_text("import glob, os, signal\n"
                      "for name in glob.glob('/proc/[0-9]*/stat'):\n"
                      "    try:\n"
                      "        fields = open(name).read().rsplit(')', 1)[1].split()\n"
                      "    except OSError:\n"
                      "        continue\n"
                      "    if int(fields[1]) == os.getpid():\n"
                      "        os.kill(int(name.split('/')[2]), signal.SIGKILL)\n"
                      "        print('killed')\n"
                      "FILL = b'.'\n"
                      "for i in range(300_000):\n"
                      "    kept = [FILL * (600 + i % 50) for _ in range(3)]\n"
                      "print('done')\n")
    done = run_as_subreaper(any_python, script, tmp_path, MEMTRACE_RING="64KiB", MEMTRACE_FULL="wait",
                            MEMTRACE_WAIT="1s")
    assert (done.returncode, done.stdout, done.stderr) == (0, "killed\ndone\n", "")


@pytest.mark.hazard("process 1 and subreapers")
@pytest.mark.parametrize("executes_with", [None, "MEMTRACE_QUIET=1", "MEMTRACE_RING=bad"],
                         ids=["", "executed", "untraced"])
@pytest.mark.parametrize("how", ["pid 1", "subreaper"])
def test_every_way_to_wait(any_python, as_pid_1, tmp_path, how, executes_with):
    """Forks, Pythons, daemons: each is waited for once, and then there is nobody. So it is without the
    library; where another image of the program left its collector; and in a program that isn't traced."""
    prefix, words = (as_pid_1, []) if how == "pid 1" else ([], ["subreaper"])
    command = [*prefix, any_python, ADOPTER, *words, *filter(None, [executes_with])]

    def run(environment):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done
    bare = run(clean_environment())
    traced = run(clean_environment(LD_PRELOAD=LIBRARY, MEMTRACE_OUT=tmp_path / "r.memtrace"))
    assert traced.stdout == bare.stdout
    assert "zombies: []" in bare.stdout and "stranger" not in bare.stdout
    complaints = traced.stderr.splitlines()
    if executes_with == "MEMTRACE_RING=bad":
        assert complaints and all("the program runs untraced" in line for line in complaints)
    else:
        assert not complaints and len(find_profiles(tmp_path)) > 50

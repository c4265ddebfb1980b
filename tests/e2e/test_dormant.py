"""In processes that are no Python the library does nothing; through wrappers it finds the Python."""

import os
import pathlib
import subprocess
import shutil

import pytest
from conftest import LIBRARY, clean_environment, find_profiles


def collectors_of(folder):
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if "memtrace-collector" in words[0] and any(word.startswith(str(folder)) for word in words):
            found.append(words)
    return found


def run(folder, *command, **kwargs):
    environment = clean_environment(LD_PRELOAD=LIBRARY, MEMTRACE_OUT=folder / "run.memtrace")
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=60,
                          **kwargs)


@pytest.fixture
def folder(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    return out


@pytest.mark.parametrize("command", [
    ["sh", "-c", "true; echo x | cat; (exit 0)"],
    ["bash", "-c", "for i in 1 2 3; do /bin/true; done"],
    ["git", "--version"],
    ["env", "true"],
    ["ls", "-la", "/"],
    ["perl", "-e", "my @a = (1) x 1000; print scalar @a"],
    ["tar", "--version"],
], ids=lambda command: command[0])
@pytest.mark.hazard("exec and wrappers")
def test_not_a_python(folder, command):
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is missing: apt-get install {command[0]}")
    done = run(folder, *command)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(folder.iterdir()) == []
    assert collectors_of(folder) == []


@pytest.mark.hazard("exec and wrappers")
def test_nothing_is_open_or_mapped_in_a_shell(folder):
    done = run(folder, "bash", "-c", "cat /proc/$$/maps; ls -l /proc/$$/fd")
    assert ".ring" not in done.stdout
    assert done.stdout.count("libmemtrace.so") >= 1


@pytest.mark.parametrize("wrap", [
    lambda python: ["env", python, "-c", "print(7)"],
    lambda python: ["sh", "-c", f"{python} -c 'print(7)'; true"],
    lambda python: ["sh", "-c", f"exec {python} -c 'print(7)'"],
    lambda python: ["bash", "-c", f"git --version >/dev/null; nice env sh -c \"{python} -c 'print(7)'\""],
    lambda python: ["timeout", "30", python, "-c", "print(7)"],
], ids=["env", "sh child", "sh exec", "many", "timeout"])
@pytest.mark.hazard("exec and wrappers")
def test_one_profile_through_wrappers(folder, python, wrap):
    done = run(folder, *wrap(python))
    assert (done.returncode, done.stdout, done.stderr) == (0, "7\n", "")
    assert len(find_profiles(folder)) == 1
    assert len(list(folder.iterdir())) == 1


def test_version_manager_shim(folder):
    shim = os.path.expanduser("~/.pyenv/shims/python3")
    if not os.path.exists(shim):
        pytest.skip("no pyenv here: https://github.com/pyenv/pyenv")
    done = run(folder, shim, "-c", "print(7)")
    assert (done.returncode, done.stdout) == (0, "7\n")
    assert len(find_profiles(folder)) == 1
    assert len(list(folder.iterdir())) == 1

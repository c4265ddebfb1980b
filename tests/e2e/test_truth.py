"""Programs whose lines are known to leak, to fill up, or to do neither: tests/truth, one of each kind."""

import os
import subprocess
import sys

from conftest import ROOT

RUN = ROOT / "tests/truth/run.py"
KINDS = 17
SECONDS = 1800


def run(*args):
    return subprocess.run([sys.executable, RUN, *map(str, args)], capture_output=True, text=True, timeout=SECONDS)


def test_one_of_each_kind(any_python, tmp_path):
    """Marks are the clock of all of them, so that how fast they run plays no part."""
    done = run("--marked", "--seed", 1, "--count", KINDS, "--python", any_python, "--keep", tmp_path / "kept")
    assert done.returncode == 0, done.stdout + done.stderr
    wrong = [line for line in done.stdout.splitlines() if line.startswith("seed ")]
    assert not wrong, done.stdout
    if os.environ.get("MEMTRACE_TEST_LONG"):
        done = run("--seed", 1, "--count", 200, "--python", any_python, "--keep", tmp_path / "more")
        assert done.returncode == 0, done.stdout + done.stderr

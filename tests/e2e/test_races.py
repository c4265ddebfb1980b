"""The library's modules under many threads and ThreadSanitizer: the programs of `make tsan`."""

import os
import subprocess

import pytest
from conftest import BUILD, ROOT

NAMES = sorted(path.stem for path in ROOT.glob("tests/unit/test_race_*.c"))
SECONDS = 300
# A few: under ThreadSanitizer each takes long, and one meeting of two threads is enough for it.
ROUNDS = "10000"


@pytest.mark.parametrize("name", NAMES)
def test_no_data_race(name):
    program = BUILD / "tsan" / name
    if not program.exists():
        pytest.skip(f"no {program}; make tsan builds it")
    # A race ends it with a status of its own and both stacks on stderr.
    done = subprocess.run(["setarch", "-R", program], capture_output=True, text=True, timeout=SECONDS,
                          env={**os.environ, "MEMTRACE_RACE_ROUNDS": ROUNDS})
    assert done.returncode == 0, done.stdout + done.stderr

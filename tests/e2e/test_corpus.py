"""The inputs that the fuzzers keep, given once to the readers that they were found on."""

import subprocess

import pytest
from conftest import BUILD, ROOT, SECONDS

TARGETS = sorted(path.stem.removeprefix("fuzz_") for path in (ROOT / "tests/fuzz").glob("fuzz_*.c"))


@pytest.mark.parametrize("target", TARGETS)
def test_corpus(target):
    inputs = sorted((ROOT / "tests/fuzz/corpus" / target).iterdir())
    assert inputs
    done = subprocess.run([BUILD / "replay" / target, *inputs], capture_output=True, text=True, timeout=SECONDS)
    assert (done.returncode, done.stdout) == (0, f"{len(inputs)} inputs\n"), done.stderr

"""Says aloud which interpreters the other tests didn't see."""

import pytest
from conftest import INTERPRETERS, WANTED, python_version


@pytest.mark.parametrize("version", WANTED)
def test_interpreter_is_there(version):
    there = {"%d.%d" % python_version(path)[:2] for path in INTERPRETERS.values()}
    if version not in there:
        pytest.skip(f"CPython {version} is missing, nothing was tested with it: `pyenv install {version}`, "
                    "or name interpreters in MEMTRACE_TEST_PYTHONS, separated by colons")

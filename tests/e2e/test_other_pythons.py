"""Pythons that aren't CPython: what malloc and mmap gave them, and one line that says why no more."""

import shutil

import pytest

PROGRAM = "kept = [bytearray(5000) for _ in range(3000)]\nprint(len(kept))\n"


@pytest.fixture
def pypy():
    path = shutil.which("pypy3")
    if not path:
        pytest.skip("PyPy is missing, nothing was tested with it: `apt-get install pypy3`")
    return path


def test_pypy(trace, pypy, tmp_path):
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    run = trace(pypy, script, check=False)
    process = run.report()["process"]
    assert process["stacks"] == "off: it is PyPy, whose objects are in a heap of its own"
    assert process["end"] == "exit"
    record = run.run_record()
    assert record["bad_records"] == record["lost_slots"] == record["replaced"] == 0
    # 3,000 buffers of 5,000 bytes are somewhere in what it got from malloc and mmap.
    assert record["peak_bytes"] >= 3000 * 5000
    assert {entry["file"] for entry in run.report()["growth"]} == {None}

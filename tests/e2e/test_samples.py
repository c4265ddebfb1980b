"""Bytes and blocks at the leaking line equal what the program allocates by construction."""

import re

import pytest
from conftest import ROOT, line_of, python_version

EVERY_INTERPRETER = True
SAMPLES = ROOT / "samples"
TUPLE_BYTES = 64
# sample, its argument, the comment on the line, blocks and bytes as its docstring derives them.
CASES = {
    "growing_list": ("5000", "# leaks", 5000, 5000 * 1000),
    "cache": ("3000", "# leaks", 3000, 3000 * 2033),
    "fragmentation": ("100000", "# pins", 1000, 1000 * TUPLE_BYTES),
    "demo": ("4000", "# leaks", 4000, 4000 * 545),
}


@pytest.mark.parametrize("name", CASES)
def test_leaking_line_is_exact(trace, python, name):
    argument, comment, blocks, size = CASES[name]
    if name == "fragmentation" and python_version(python) >= (3, 14):
        size += blocks * 8  # A tuple keeps its hash since then.
    script = SAMPLES / f"{name}.py"
    run = trace(python, script, argument)
    entry = run.line(script, line_of(script, comment))
    assert (entry["count"], entry["size_bytes"]) == (blocks, size)
    # What the program counted itself says the same.
    assert re.search(rf"^expected: {blocks} blocks, {size} bytes$", run.stdout, re.MULTILINE)


def test_every_sample_has_a_case():
    assert {path.stem for path in SAMPLES.glob("*.py")} == set(CASES)


def test_cache_since_warm_is_the_second_half(trace, python):
    script = SAMPLES / "cache.py"
    run = trace(python, script, "3000")
    entry = run.line(script, line_of(script, "# leaks"), "--from", "warm")
    assert (entry["count_diff"], entry["size_diff_bytes"]) == (1500, 1500 * 2033)
    keys = run.line(script, line_of(script, "path = f"), "--from", "warm")
    # The last path asked for before the mark was still held then, and was dropped after it.
    assert keys["count_diff"] == 1500 - 1
    # Two of three keys are dropped again at once: counted, and not live.
    assert keys["total_count"] >= 3 * 3000


def test_growing_list_is_one_line_of_the_report(trace, python):
    """Nothing of the list's growth is charged to the line that makes the entries."""
    script = SAMPLES / "growing_list.py"
    run = trace(python, script, "5000")
    appends = run.line(script, line_of(script, "LOG.append"))
    # One block is the list's buffer; one more may be the integer or so that a line leaves behind.
    assert appends["count"] == 1
    assert appends["size_bytes"] >= 5000 * 8
    functions = {e["function"]: e for e in run.report("--by", "function")["growth"]
                 if e["file"] == str(script)}
    more = functions["handle"]["size_bytes"] - 5000 * 1000 - appends["size_bytes"]
    if python_version(python) >= (3, 11):
        assert more == 0
    else:
        # Code that runs often gets a cache for its globals, made before its first line.
        assert 0 < more < 200 and functions["handle"]["count"] == 5000 + appends["count"] + 2

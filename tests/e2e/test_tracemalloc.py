"""Live bytes by line agree with tracemalloc's, for one program's own lines.

What tracemalloc can't agree about, and what is done about it:
- A spare object (list, tuple, dict, float) that the interpreter hands out again keeps the line of its
  first allocation here; tracemalloc moves it to the new line. The program has no spare ones at the
  first moment, and frees hardly any before the second: MOVED says how far such a line may be off.
- tracemalloc's own tables are blocks too, made by whichever line is running. They come from malloc,
  so the blocks of Python's own two domains are compared where both run in one process.
- malloc called by C code below Python is invisible to tracemalloc: the program's lines make none.
"""

import collections
import json
import subprocess

import pytest
from conftest import PROGRAMS, clean_environment, line_of

SCRIPT = PROGRAMS / "diverse.py"
FIRST, LAST = line_of(SCRIPT, "def plain_blocks"), line_of(SCRIPT, "STAGES = ")


def own_lines(figures):
    return {line: tuple(f) for line, f in figures.items() if FIRST <= int(line) < LAST and any(f)}


def says_tracemalloc(python, path):
    subprocess.run([python, SCRIPT, path, "tracemalloc"], env=clean_environment(), check=True)
    return own_lines({int(k): v for k, v in json.loads(path.read_text()).items()})


@pytest.mark.parametrize("how", ["between marks", "in one process"])
def test_own_lines_are_equal(trace, python, tmp_path, how):
    if how == "between marks":
        expected = says_tracemalloc(python, tmp_path / "alone.json")
        run = trace(python, SCRIPT, tmp_path / "unused.json", "bare")
        report = run.report("--from", "before", "--to", "after")
        found = {e["line"]: (e["size_diff_bytes"], e["count_diff"])
                 for e in report["growth"] if e["file"] == str(SCRIPT)}
    else:
        run = trace(python, SCRIPT, tmp_path / "both.json", "tracemalloc")
        expected = own_lines({int(k): v for k, v in json.loads((tmp_path / "both.json").read_text()).items()})
        sums = collections.defaultdict(lambda: (0, 0))
        chains = run.chains()
        for block in run.blocks().values():
            chain = chains[block["stack"]]
            if chain and chain[0][0] == str(SCRIPT) and block["domain"] in ("mem", "object"):
                size, count = sums[chain[0][2]]
                sums[chain[0][2]] = (size + block["bytes"], count + 1)
        found = sums
    assert len(expected) > 30
    assert own_lines(found) == expected

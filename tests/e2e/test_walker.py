"""The Python stack of thousands of blocks against what sys._getframe showed at the same line."""

import json
import subprocess

import pytest
from conftest import PROGRAMS, line_of, python_build, python_version

EVERY_INTERPRETER = True


def compare(run, seen):
    """(blocks compared, those whose whole chain differs, with both chains)."""
    blocks, chains = run.blocks(), run.chains()
    different = []
    for address, size, frames in seen:
        block = blocks.get(address)
        if block is None:
            different.append((hex(address), size, "not in the profile", frames[:4]))
            continue
        expected = tuple((file, name, line) for file, name, line in frames)
        found = chains[block["stack"]]
        if found != expected or block["bytes"] != size:
            first = next((i for i, (a, b) in enumerate(zip(found, expected)) if a != b), None)
            where = slice(first, (first or 0) + 3)
            different.append((size, block["bytes"], len(found), len(expected), first,
                              found[where], expected[where]))
    return len(seen), different


def has_jit(python):
    code = "import sys; print(hasattr(sys, '_jit') and sys._jit.is_available())"
    return subprocess.run([python, "-c", code], capture_output=True, text=True).stdout == "True\n"


@pytest.mark.hazard("frames that are switched")
@pytest.mark.parametrize("variables", [{}, {"PYTHONMALLOC": "debug"}, {"PYTHONTRACEMALLOC": "1"},
                                       {"PYTHON_JIT": "1"}], ids=["plain", "debug", "tracemalloc", "jit"])
def test_chains_equal_those_of_getframe(trace, python, tmp_path, variables):
    if "PYTHON_JIT" in variables and not has_jit(python):
        pytest.skip("this build has no compiler for hot code: from CPython 3.14 on some do")
    run = trace(python, PROGRAMS / "walker.py", tmp_path / "seen.json", env=variables)
    seen = json.loads((tmp_path / "seen.json").read_text())
    compared, different = compare(run, seen)
    assert different == []
    assert compared > (4560 if python_version(python) < (3, 12) else 4590)
    # The deep recursion is there from end to end, and so are the calls without the GIL.
    assert max(len(frames) for _, _, frames in seen) > 3000
    assert sum(size == 777 for _, size, _ in seen) == 200


def test_a_stack_deeper_than_kept_says_so_and_keeps_its_inner_end(trace, python, tmp_path):
    script = tmp_path / "deep.py"
    script.write_text(
        "import sys, threading\n"
        "sys.setrecursionlimit(20000)\n"
        "threading.stack_size(256 << 20)\n"
        "FILL, kept = b'.', []\n"
        "def down(n):\n"
        "    if n:\n"
        "        return down(n - 1)\n"
        "    kept.append(FILL * 4000)\n"
        "t = threading.Thread(target=down, args=(6000,)); t.start(); t.join()\n"
        "print(id(kept[0]), flush=True)\n"
        "import os; os._exit(0)\n")
    run = trace(python, script, compare=False)
    chain = run.chains()[run.blocks()[int(run.stdout)]["stack"]]
    inner = [frame for frame in chain if frame[0] == str(script)]
    assert inner[0] == (str(script), "down", 8)
    assert 3072 <= len(inner) <= 4096
    assert all(frame == (str(script), "down", 7) for frame in inner[1:])


def test_a_stack_too_deep_costs_what_its_kept_part_does(trace, any_python, tmp_path):
    """Each event below the depth that is kept used to look up every frame that is kept."""
    script = tmp_path / "cost.py"
    script.write_text(
        "import sys, threading, time\n"
        "sys.setrecursionlimit(20000)\n"
        "threading.stack_size(256 << 20)\n"
        "FILL = b'.'\n"
        "def down(n):\n"
        "    if not n: return FILL * 600\n"
        "    return down(n - 1) if n % 3 else other(n - 1)\n"
        "def other(n):\n"
        "    return down(n - 1) if n else FILL * 600\n"
        "def cost(n):\n"
        "    begun = time.thread_time()\n"
        "    for _ in range(10): down(n)\n"
        "    return time.thread_time() - begun\n"
        "def work():\n"
        "    print(cost(3000), cost(6000))\n"
        "t = threading.Thread(target=work); t.start(); t.join()\n")
    run = trace(any_python, script, compare=False)
    whole, deeper = map(float, run.stdout.split())
    # Twice the calls, twice as deep: four times the frames.
    assert deeper < 12 * whole


HOT = """\
import sys
FILL, kept = b".", []
def keep(n):
    if n % 4096 == 0:
        kept.append(FILL * 4000)  # block
def hot(turns):
    total = 0
    for n in range(turns):
        total += n & 7
        if n % 512 == 0:
            keep(n)  # call
    return total
for _ in range(20):
    hot(40_000)
print(len(kept), sys._jit.is_enabled(), flush=True)
import os; os._exit(0)
"""


def test_lines_of_compiled_code(trace, python, tmp_path):
    """A loop that ran long enough to be compiled tells the same lines."""
    if not has_jit(python):
        pytest.skip("this build has no compiler for hot code: from CPython 3.14 on some do")
    script = tmp_path / "hot.py"
    script.write_text(HOT)
    run = trace(python, script, env={"PYTHON_JIT": "1"})
    count, enabled = run.stdout.split()
    assert enabled == "True"
    chains = run.chains()
    size = 4000 + python_build(python).empty_bytes
    found = [chains[block["stack"]][:2] for block in run.blocks().values() if block["bytes"] == size]
    assert len(found) == int(count)
    assert set(found) == {((str(script), "keep", line_of(script, "# block")),
                           (str(script), "hot", line_of(script, "# call")))}

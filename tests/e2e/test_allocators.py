"""Other allocators under the interpreter, debug modes and tracemalloc: the leaking line stays exact."""

import pytest
from conftest import ROOT, line_of, python_build, python_version

EVERY_INTERPRETER = True
SCRIPT = ROOT / "samples/growing_list.py"
LEAK = line_of(SCRIPT, "# leaks")
BLOCKS = 3000


def takes(python, allocator):
    """Without a GIL objects must be mimalloc's."""
    return allocator in (None, "default", "debug", "mimalloc") or not python_build(python).free_threaded


def assert_exact(run, python, tracemalloc=False):
    """With tracemalloc the line holds two blocks more for each of its own: a trace (16 bytes) and its
    entry in a hash table (32), perhaps with a debug allocator's 24 on top; in 3.8 one of 40. They are real,
    and made there. Now and then the table's array, a power of two, grows there too."""
    entry = run.line(SCRIPT, LEAK)
    expected = BLOCKS * (967 + python_build(python).empty_bytes)
    if not tracemalloc:
        assert (entry["count"], entry["size_bytes"]) == (BLOCKS, expected)
        return
    each, sizes = (1, (40, 64)) if python_version(python) < (3, 9) else (2, (48, 72, 96))
    assert 0 <= entry["count"] - (1 + each) * BLOCKS <= 4
    books = entry["size_bytes"] - expected
    arrays = (0, *(8 << n for n in range(10, 18)))
    assert any(0 <= books - array - size * BLOCKS < 200 for array in arrays for size in sizes)


@pytest.mark.hazard("allocator hooks that are replaced")
@pytest.mark.parametrize("allocator", ["default", "pymalloc", "malloc", "debug", "pymalloc_debug",
                                       "malloc_debug", "mimalloc"])
def test_pythonmalloc(trace, python, allocator):
    if allocator == "mimalloc" and python_version(python) < (3, 13):
        pytest.skip("PYTHONMALLOC=mimalloc came with CPython 3.13")
    if not takes(python, allocator):
        pytest.skip(f"free-threaded builds refuse PYTHONMALLOC={allocator}")
    assert_exact(trace(python, SCRIPT, BLOCKS, env={"PYTHONMALLOC": allocator}), python)


@pytest.mark.hazard("allocator hooks that are replaced")
@pytest.mark.parametrize("options", [("-X", "dev"), ("-X", "tracemalloc"), ("-X", "tracemalloc=5"),
                                     ("-X", "dev", "-X", "tracemalloc"), ("-I",), ("-O",), ("-E", "-s")])
def test_interpreter_options(trace, python, options):
    assert_exact(trace(python, *options, SCRIPT, BLOCKS), python, any("tracemalloc" in o for o in options))


@pytest.mark.hazard("allocator hooks that are replaced")
@pytest.mark.parametrize("variables", [{"PYTHONDEVMODE": 1}, {"PYTHONTRACEMALLOC": 3},
                                       {"PYTHONMALLOC": "debug", "PYTHONTRACEMALLOC": 1}])
def test_interpreter_variables(trace, python, variables):
    assert_exact(trace(python, SCRIPT, BLOCKS, env=variables), python, "PYTHONTRACEMALLOC" in variables)


@pytest.mark.hazard("allocator hooks that are replaced", "double counting")
def test_tracemalloc_started_and_stopped(trace, python, tmp_path):
    """Blocks from before, during and after tracemalloc, freed in another phase than they were made."""
    script = tmp_path / "phases.py"
    script.write_text(
        "import os, sys, tracemalloc\n"
        "FILL = b'.'\n"
        "kept = [None] * 9000\n"
        "def make(first, last):\n"
        "    for i in range(first, last):\n"
        "        kept[i] = FILL * (100 + i % 900)\n"
        "make(0, 3000)\n"
        "tracemalloc.start(3)\n"
        "make(3000, 6000)\n"
        "kept[0:1500] = [None] * 1500\n"
        "tracemalloc.stop()\n"
        "make(6000, 9000)\n"
        "kept[3000:4500] = [None] * 1500\n"
        "tracemalloc.start()\n"
        "kept[6000:7500] = [None] * 1500\n"
        "left = [b for b in kept if b]\n"
        "print(len(left), sum(map(sys.getsizeof, left)))\n")
    run = trace(python, script)
    blocks, size = map(int, run.stdout.split())
    assert blocks == 4500
    chains = run.chains()
    entry = run.line(script, 6)
    # tracemalloc's own tables grow at this line as well: see test_tracemalloc.py.
    live_tables = entry["count"] - blocks
    assert 0 <= live_tables <= 2 * blocks
    assert entry["size_bytes"] >= size
    assert chains


@pytest.mark.hazard("double counting")
def test_no_block_is_counted_twice_over_512_bytes(trace, python, tmp_path):
    """A large Python block reaches malloc as well: one allocation, one block."""
    script = tmp_path / "large.py"
    script.write_text("FILL = b'.'\n"
                      "kept = [None] * 2000\n"
                      "for i in range(2000):\n"
                      "    kept[i] = FILL * 4967\n")
    size = 4967 + python_build(python).empty_bytes
    for allocator in filter(lambda name: takes(python, name), (None, "malloc", "debug", "malloc_debug")):
        run = trace(python, script, env={"PYTHONMALLOC": allocator})
        for path in run.profiles():
            entry = path.line(script, 4)
            # The one more is the last of the counting integers.
            assert entry["count"] == 2000
            assert entry["size_bytes"] == 2000 * size
            assert entry["total_count"] == 2000
        for file in run.folder.iterdir():
            file.unlink()

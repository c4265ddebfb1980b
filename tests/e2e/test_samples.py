"""Bytes and blocks at the leaking line equal what the program allocates by construction."""

import collections
import re
import subprocess

import pytest
from conftest import ROOT, clean_environment, line_of, python_build, python_version
from environments import venv_python
from resident import check_every_look, check_identity

SAMPLES = ROOT / "samples"
# unsaid: of the size, what sys.getsizeof doesn't know.
Sample = collections.namedtuple("Sample", "argument comments blocks size unsaid", defaults=(0,))


def tuple_bytes(build, length):
    """With the collector's part, which without a GIL is in the object; a tuple keeps its hash since 3.14."""
    return 16 + 24 + 8 * length + (8 if build.version >= (3, 14) else 0)


def list_length_bytes(build):
    """Without a GIL a list's buffer begins with its own length."""
    return 8 if build.free_threaded else 0


def list_buffer_bytes(build, entries):
    """What a list takes for its buffer while `entries` are appended one by one."""
    version = build.version
    allocated = 0
    for needed in range(1, entries + 1):
        if needed > allocated and version >= (3, 9):
            allocated = (needed + (needed >> 3) + 6) & ~3
        elif needed > allocated:
            allocated = needed + (needed >> 3) + (3 if needed < 9 else 6)
    return 8 * allocated + list_length_bytes(build)


def dict_table_bytes(build, entries):
    """A table of 2**n two-byte indices, and an entry of 24 bytes for two thirds of them."""
    slots = 8
    while slots * 2 // 3 < entries:
        slots *= 2
    assert 256 < slots <= 65536
    return (32 if build.version >= (3, 11) else 40) + 2 * slots + 24 * (slots * 2 // 3)


def sample(name, build):
    """The argument, the comments on its lines, and blocks and bytes there as its docstring derives them."""
    content = build.empty_bytes
    return {
        "growing_list": Sample("5000", ["leaks"], 5000, 5000 * (967 + content)),
        "cache": Sample("3000", ["leaks"], 3000, 3000 * (2000 + content)),
        "fragmentation": Sample("100000", ["pins"], 1000, 1000 * tuple_bytes(build, 3)),
        "demo": Sample("4000", ["leaks"], 4000, 4000 * (512 + content)),
        "closure": Sample("300", ["leaks"], 2 * 300,
                          300 * (56 + 8000 + list_length_bytes(build)), 300 * list_length_bytes(build)),
        "loop_references": Sample("3000", ["leaks"], 3000, 3000 * (967 + content)),
        "cycles": Sample("1500", ["leaks"], 1500, 1500 * (967 + content)),
        "slots": Sample("800", ["slotted"], 800, 800 * 56),
        "generating": Sample("3000", ["list"], 3000, 3000 * (467 + content)),
        "never_shrinks": Sample("5000", ["list", "dictionary"], 2,
                                list_buffer_bytes(build, 5000) + dict_table_bytes(build, 5000),
                                list_length_bytes(build)),
        "string_building": Sample("1000", ["piecemeal", "joined"], 2, 2 * (build.empty_text + 10_001)),
        "exception_traceback": Sample("1500", ["leaks"], 1500, 1500 * (967 + content)),
        "endless_thread": Sample("12", ["leaks"], 12, 12 * (99_967 + content)),
    }[name]


EXACT = ("growing_list", "cache", "fragmentation", "demo", "closure", "loop_references", "cycles", "slots",
         "generating", "never_shrinks", "string_building", "exception_traceback", "endless_thread")
# Their lines hold blocks of the interpreter's or of a library's as well: tests of their own.
MIXED = ("open_files", "dataframe")


def path_of(name):
    return SAMPLES / f"{name}.py"


def assert_resident(run):
    check_identity(run.report("-n", "1"))
    assert check_every_look(run)


def marked(run, name, comment):
    """The report's entry of the line with that comment."""
    return run.line(path_of(name), line_of(path_of(name), f"# {comment}"))


def assert_said(run, blocks, size):
    """What the program counted itself says the same."""
    assert re.search(rf"^expected: {blocks} blocks, {size} bytes$", run.stdout, re.MULTILINE), run.stdout


def blocks_within(run, name, comment, size):
    """How many live blocks of that size have the line as the innermost one of the program's own."""
    script, line = str(path_of(name)), line_of(path_of(name), f"# {comment}")
    own = {stack: next((frame for frame in chain if frame[0] == script), None)
           for stack, chain in run.chains().items()}
    return sum(1 for block in run.blocks().values()
               if block["bytes"] == size and (own[block["stack"]] or (None,))[-1] == line)


@pytest.mark.parametrize("name", EXACT)
def test_leaking_line_is_exact(trace, python, name):
    case = sample(name, python_build(python))
    run = trace(python, path_of(name), case.argument)
    entries = [marked(run, name, comment) for comment in case.comments]
    found = sum(e["count"] for e in entries), sum(e["size_bytes"] for e in entries)
    assert found == (case.blocks, case.size)
    assert_said(run, case.blocks, case.size - case.unsaid)
    assert_resident(run)


def test_every_sample_has_a_case():
    assert {path.stem for path in SAMPLES.glob("*.py")} == {*EXACT, *MIXED}


def test_cache_since_warm_is_the_second_half(trace, python):
    script = SAMPLES / "cache.py"
    run = trace(python, script, "3000")
    entry = run.line(script, line_of(script, "# leaks"), "--from", "warm")
    assert (entry["count_diff"], entry["size_diff_bytes"]) == (1500, 1500 * (2000 + python_build(python).empty_bytes))
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
    build = python_build(python)
    more = functions["handle"]["size_bytes"] - 5000 * (967 + build.empty_bytes) - appends["size_bytes"]
    if build.version >= (3, 11):
        assert more == 0
    else:
        # Code that runs often gets a cache for its globals, made before its first line.
        assert 0 < more < 200 and functions["handle"]["count"] == 5000 + appends["count"] + 2


def test_links_of_a_loop_that_keeps_references(trace, python):
    run = trace(python, path_of("loop_references"), "3000")
    links = marked(run, "loop_references", "links")
    assert links["count"] == 3000
    assert links["size_bytes"] == 3000 * tuple_bytes(python_build(python), 2)


def test_cycles_go_where_the_collector_runs(trace, python):
    kept = trace(python, path_of("cycles"), "500")
    for comment in ("parent", "child"):
        entry = marked(kept, "cycles", comment)
        assert (entry["count"], entry["size_bytes"]) == (500, 500 * 48)
    for file in trace.out.iterdir():
        file.unlink()
    collected = trace(python, path_of("cycles"), "500", "collect")
    assert_said(collected, 0, 0)
    for comment, size in (("parent", 48), ("child", 48), ("leaks", 967 + python_build(python).empty_bytes)):
        entry = marked(collected, "cycles", comment)
        assert (entry["count"], entry["gc_freed_bytes"]) == (0, 500 * size)


def test_slots_save_what_the_table_says(trace, python):
    version = python_version(python)
    run = trace(python, path_of("slots"), "800")
    plain = run.report("--focus", "make_plain$")["total"]["size_bytes"]
    slotted = run.report("--focus", "make_slotted$")["total"]["size_bytes"]
    saved = 96 if version < (3, 11) else 32 if version[:2] == (3, 12) else 40
    # Per function a few blocks that aren't instances': its frame, the index of the loop.
    assert 0 <= plain - 800 * (56 + saved) < 800
    assert 0 <= slotted - 800 * 56 < 800


def test_a_generator_keeps_nothing(trace, python):
    run = trace(python, path_of("generating"), "3000")
    kept, passed = (marked(run, "generating", comment) for comment in ("list", "generator"))
    size = 467 + python_build(python).empty_bytes
    assert kept["total_bytes"] == 3000 * size
    # Until 3.10 its code gets a cache and a spare frame, which stay: below a block of its rows.
    assert passed["size_bytes"] < 500
    assert 0 <= passed["total_bytes"] - 3000 * size < 1000


def test_strings_in_between_are_counted(trace, python):
    empty = python_build(python).empty_text
    run = trace(python, path_of("string_building"), "1000")
    piecemeal, joined = (marked(run, "string_building", c) for c in ("piecemeal", "joined"))
    lengths = range(11, 10 * 1000 + 2, 10)
    assert piecemeal["total_count"] == len(lengths) == 1000
    assert piecemeal["total_bytes"] == sum(empty + length for length in lengths)
    assert (joined["total_count"], joined["total_bytes"]) == (1, empty + 10_001)


def test_open_files_have_a_buffer_each(trace, python):
    run = trace(python, path_of("open_files"), "150")
    assert_said(run, 150, 150 * 10_000)
    assert blocks_within(run, "open_files", "leaks", 10_000) == 150
    entry = marked(run, "open_files", "leaks")
    assert entry["count"] > 3 * 150
    # The objects of the io module, a dictionary each at most, and a lock.
    assert 150 * 10_000 < entry["size_bytes"] < 150 * 11_000
    assert_resident(run)


def test_endless_threads_by_thread(trace, python):
    run = trace(python, path_of("endless_thread"), "12")
    holders = [e for e in run.report("--by", "thread")["growth"] if 100_000 <= e["size_bytes"] < 200_000]
    assert len(holders) == 12


def has_pandas(python):
    return subprocess.run([python, "-c", "import numpy, pandas"], env=clean_environment(),
                          capture_output=True).returncode == 0


def check_dataframes(run):
    assert_said(run, 10, 10 * 320_000)
    assert blocks_within(run, "dataframe", "leaks", 320_000) == 10
    script, line = path_of("dataframe"), line_of(path_of("dataframe"), "# leaks")
    size = run.line(script, line, "--by", "own")["size_bytes"]
    # What else pandas made there for each frame, and once for itself.
    assert 10 * 320_000 <= size < 10 * 330_000 + 300_000
    assert_resident(run)


def test_dataframes(trace, python):
    if has_pandas(python):
        check_dataframes(trace(python, path_of("dataframe"), "10"))
        return
    run = trace(python, path_of("dataframe"), "10")
    assert run.stdout.startswith("nothing to see: No module named")
    pytest.skip(f"{python} has no numpy and pandas; python3 -m pip install pandas brings both")


def test_dataframes_of_the_registry(trace):
    """One interpreter has pandas, where the registry can be reached."""
    check_dataframes(trace(venv_python("server"), path_of("dataframe"), "10"))

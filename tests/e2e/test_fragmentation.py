"""Fragmentation against arithmetic: what the report says a line holds is what freeing it gives back.

The program keeps every hundredth of a known number of blocks, so that the line that keeps, its blocks and
roughly its arenas are known by construction. Then it frees them, and reads what its memory loses by that.
"""

import pytest
from conftest import INTERPRETERS, PROGRAMS, ROOT, is_free_threaded, line_of, needs_plain_blocks, python_version

SCRIPT = PROGRAMS / "fragments.py"
BYTES, EVERY = 24 << 20, 100
# What else the process gets or gives back meanwhile: pages of the tracer's tables, of the C heap, of stacks.
NOISE = 512 << 10
WITH_POOLS = {name: path for name, path in INTERPRETERS.items() if not is_free_threaded(path)}


def arena_bytes(python):
    return 256 << 10 if python_version(python) < (3, 10) else 1 << 20


@pytest.fixture
def held(trace, python):
    """held(workload) -> the child's profile, as of the mark, and the program's own, with what it released:
    [(name, blocks, bytes)]."""

    if is_free_threaded(python):
        pytest.skip("free-threaded builds have no arenas")
    needs_plain_blocks(python)

    def run(workload):
        done = trace(python, SCRIPT, workload, compare=False)
        released = [(name, int(blocks), int(size)) for name, blocks, size in map(str.split, done.stdout.splitlines())]
        child, own = sorted(done.profiles(), key=lambda profile: "released" in str(profile.section("MARK")))
        return child, own, released

    return run


def pin_of(report, name):
    """The entry of the line with that comment; it has to be there."""
    line = line_of(SCRIPT, f"# pins {name}")
    return next(pin for pin in report["pins"] if (pin["file"], pin["line"]) == (str(SCRIPT), line))


def arenas_at(profile, mark):
    return next(m["arena_count"] for m in profile.section("MARK") if m["name"] == mark)


def assert_given_back(report, exclusive_bytes, given_back, python, released_before=0):
    """CPython may keep one arena that is empty, and goes on with it. What was never touched isn't in memory and
    doesn't leave it: pools of the arena that the line ended in, and the ends of each that isn't aligned to its
    pools. With each line that was released before goes what it and this one held together: an arena where one
    ended and the other began, and perhaps the one that CPython had kept."""
    least = exclusive_bytes - 2 * arena_bytes(python) - report["arenas"]["alignment_bytes"] - NOISE
    most = exclusive_bytes + 2 * released_before * arena_bytes(python) + NOISE
    assert least <= given_back <= most, (exclusive_bytes, given_back)


def assert_arenas_went(profile, exclusive, before, after):
    gone = arenas_at(profile, before) - arenas_at(profile, after)
    assert gone in (exclusive, exclusive - 1)


@pytest.mark.parametrize("workload, size", [("tuples", 64), ("48", 48), ("176", 176), ("512", 512)])
def test_one_line_holds_nearly_all(held, python, workload, size):
    child, own, [(name, kept, given_back)] = held(workload)
    if workload == "tuples" and python_version(python) >= (3, 14):
        size = 80  # they keep their hash
    report = child.report()
    pin = pin_of(report, name)
    assert kept == len(range(0, BYTES // (64 if workload == "tuples" else size), EVERY))
    assert pin["rank"] == 1 and pin["blocks"] == kept and pin["live_bytes"] == kept * size
    # By construction: all arenas but those that it began and ended in, and those of start-up, are its own.
    pool_bytes = 4096 if python_version(python) < (3, 10) else 16384
    filled = kept * EVERY // ((pool_bytes - 48) // size) * pool_bytes // arena_bytes(python)
    assert filled - 3 <= pin["exclusive_arenas"] <= filled * 64 // 63 + 1
    assert pin["exclusive_bytes"] == pin["exclusive_arenas"] * arena_bytes(python)
    assert_given_back(report, pin["exclusive_bytes"], given_back, python)
    assert_arenas_went(own, pin["exclusive_arenas"], "held", f"released {name}")
    # As of the mark itself there are the arenas' summaries: they say the same of those that few lines hold.
    at_mark = pin_of(own.report("--to", "held"), name)
    assert pin["exclusive_arenas"] - 1 <= at_mark["exclusive_arenas"] <= pin["exclusive_arenas"] + 1
    assert kept * 0.95 < at_mark["blocks"] <= kept
    # It is the first step of the way back, and what the verdict tells to do.
    assert report["release"][0]["ranks"] == [1] and report["release"][0]["bytes"] == pin["exclusive_bytes"]
    assert report["verdict"]["kind"] == "fragmentation"
    assert report["verdict"]["returned_bytes"] == pin["exclusive_bytes"]


def test_old_blocks_and_new_ones(held, python):
    child, own, released = held("age")
    report = child.report()
    first, second = pin_of(report, "early"), pin_of(report, "late")
    assert first["newest_seconds"] > second["oldest_seconds"] + 1, "ages tell start-up from what is new"
    before = "held"
    for turn, (pin, (name, kept, given_back)) in enumerate(zip((first, second), released)):
        assert pin["blocks"] == kept == len(range(0, BYTES // 128, EVERY))
        assert_given_back(report, pin["exclusive_bytes"], given_back, python, released_before=turn)
        # CPython may keep one that is empty. With the second go the one where the first ended and it began, and
        # the one that CPython had kept.
        gone = arenas_at(own, before) - arenas_at(own, f"released {name}")
        assert pin["exclusive_arenas"] - 1 <= gone <= pin["exclusive_arenas"] + 2 * turn
        before = f"released {name}"


def test_one_line_in_several_threads(held, python):
    child, own, released = held("thread")
    by_line = pin_of(child.report(), "blocks")
    report = child.report("--by", "thread")
    by_thread = {pin["name"]: pin for pin in report["pins"]}
    assert by_line["blocks"] == sum(kept for _, kept, _ in released)
    together = 0
    for turn, (name, kept, given_back) in enumerate(released):
        pin = next(pin for thread, pin in by_thread.items() if f"(tid {name})" in thread)
        assert pin["blocks"] >= kept
        together += pin["exclusive_bytes"]
        assert_given_back(report, pin["exclusive_bytes"], given_back, python, released_before=turn)
    # Between two threads, one arena each has blocks of both: the line's, and no thread's alone.
    assert 0 <= by_line["exclusive_bytes"] - together <= 3 * arena_bytes(python)


@pytest.mark.parametrize("python", WITH_POOLS.values(), ids=WITH_POOLS)
def test_the_sample_names_the_line_that_keeps(trace, python):
    """Under every interpreter: at the end of the run, with the remedy computed."""
    sample, tuples = ROOT / "samples/fragmentation.py", 400_000
    run = trace(python, sample, tuples, compare=False)
    report = run.report()
    pin = report["pins"][0]
    assert (pin["file"], pin["line"]) == (str(sample), line_of(sample, "# pins"))
    assert pin["blocks"] == tuples // 100
    # 64 bytes, 72 from 3.14 on, 24 more with a debug build's allocator; blocks have a multiple of 16.
    size = pin["live_bytes"] // pin["blocks"]
    asked = 72 if python_version(python) >= (3, 14) else 64
    assert size in ((asked + 15) // 16 * 16, (asked + 24 + 15) // 16 * 16)
    assert tuples * size * 0.9 < pin["exclusive_bytes"] < tuples * size * 1.1
    assert report["verdict"]["kind"] == "fragmentation"
    assert report["verdict"]["returned_bytes"] == report["release"][0]["bytes"] == pin["exclusive_bytes"]
    assert any(f"{sample}:{pin['line']}" in advice for advice in report["verdict"]["advice"])
    assert pin["rounding_bytes"] == (size - asked) * pin["blocks"]

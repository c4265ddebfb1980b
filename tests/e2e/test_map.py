"""The map of arenas against the addresses that a program knows of its own blocks, and as people see it."""

import collections
import json
import re
import shlex

import pytest
from conftest import INTERPRETERS, line_of, memtrace, needs_plain_blocks, python_version
from test_bad_input import sections

# Two lines keep blocks of 240 and 448 bytes; a bytes object lies at its id.
KEEPING = """\
import sys
FILL = b"."
def few(count):
    made = [None] * count
    for index in range(count):
        made[index] = FILL * 200  # few
    return made[::50]
def some(count):
    made = [None] * count
    for index in range(count):
        made[index] = FILL * 400  # some
    return made[::7]
def main():
    one, two = few(40000), some(3000)
    with open(sys.argv[1], "w") as file:
        for kept in (one, two):
            print(*map(id, kept), file=file)
    return one, two
KEPT = main()
"""
BLOCKS = {"few": (40000 // 50, 240), "some": (-(-3000 // 7), 448)}


class Kept:
    """A traced run of it, and where its blocks are."""

    def __init__(self, trace, python, folder):
        self.script = folder / "keeping.py"
        self.script.write_text(KEEPING)
        ids = folder / "ids"
        self.run = trace(python, self.script, ids, compare=False)
        self.addresses = dict(zip(BLOCKS, ([int(word) for word in line.split()]
                                           for line in ids.read_text().splitlines())))

    def line(self, name):
        return line_of(self.script, f"# {name}")


def memtrace_map(*args, status=0, **variables):
    done = memtrace("map", *args, **variables)
    assert done.returncode == status, done.stderr
    return done


def as_json(*args):
    return json.loads(memtrace_map("--json", *args).stdout)


def pin_of(found, kept, name):
    numbers = [number for number, pin in enumerate(found["pins"])
               if pin["file"] == str(kept.script) and pin["line"] == kept.line(name)]
    assert len(numbers) == 1, found["pins"]
    return numbers[0]


def within(address, start, size):
    return start <= address < start + size


@pytest.fixture
def kept(trace, any_python, tmp_path):
    return Kept(trace, any_python, tmp_path)


def test_blocks_are_where_the_program_has_them(trace, python, tmp_path):
    needs_plain_blocks(python)
    kept = Kept(trace, python, tmp_path)
    found = as_json(kept.run.path)
    for name, (count, size) in BLOCKS.items():
        pin = pin_of(found, kept, name)
        assert len(kept.addresses[name]) == count == found["pins"][pin]["blocks"]
        assert found["pins"][pin]["live_bytes"] == count * size
        for arena in found["arenas"]:
            start = int(arena["address"], 16)
            inside = [a for a in kept.addresses[name] if within(a, start, arena["bytes"])]
            assert len(inside) == sum(p["blocks"] for p in arena["pins"] if p["pin"] == pin)
            pools = collections.Counter((a - start) // found["total"]["pool_bytes"] for a in inside
                                        if start % found["total"]["pool_bytes"] == 0)
            for pool in arena["pools"]:
                here = pools.pop(pool["offset"] // found["total"]["pool_bytes"], 0)
                assert here <= pool["live"] <= pool["capacity"]
                assert not here or pool["size"] == size
            assert not pools, "blocks in pools that the map says nothing is in"


def test_one_arena_pool_by_pool(kept):
    address = kept.addresses["few"][len(kept.addresses["few"]) // 2]
    found = as_json(f"--pools={address:#x}", kept.run.path)
    assert found == as_json(f"--pools={address}", kept.run.path)
    assert len(found["arenas"]) == 1
    arena = found["arenas"][0]
    start, size = int(arena["address"], 16), found["total"]["pool_bytes"]
    assert within(address, start, arena["bytes"])
    for name in BLOCKS:
        pin = pin_of(found, kept, name)
        for pool in arena["pools"]:
            inside = [a for a in kept.addresses[name] if within(a, start + pool["offset"], size)]
            assert len(inside) == sum(p["blocks"] for p in pool["pins"] if p["pin"] == pin)
    assert all(sum(p["blocks"] for p in pool["pins"]) == pool["live"] for pool in arena["pools"])


def test_sums_and_order(kept):
    found = as_json(kept.run.path)
    total, arenas = found["total"], found["arenas"]
    assert found["schema"] == "memtrace.map/1"
    assert (found["reason"], found["doubts"], found["at"]["name"]) == (None, [], "end")
    assert len(arenas) == total["arenas"] == kept.run.report()["arenas"]["count"]
    for key in ("bytes", "live_bytes", "live_blocks", "header_bytes", "free_bytes"):
        assert sum(arena[key] for arena in arenas) == total[key], key
    frees = [arena["free_bytes"] for arena in arenas]
    assert frees == sorted(frees, reverse=True)
    for arena in arenas:
        assert arena["bytes"] == arena["live_bytes"] + arena["header_bytes"] + arena["free_bytes"]
        assert arena["live_blocks"] == sum(pin["blocks"] for pin in arena["pins"])
        assert arena["live_blocks"] == sum(pool["live"] for pool in arena["pools"])
        assert arena["live_bytes"] == sum(pool["live"] * pool["size"] for pool in arena["pools"])
    assert sum(pin["pinned_bytes"] for pin in found["pins"]) == total["free_bytes"]
    assert as_json("-n", 2, kept.run.path)["arenas"] == arenas[:2]


def test_says_which_line_and_how_much_comes_back(kept):
    """The arenas that hold none but the line's blocks, counted by their addresses."""
    found = as_json(kept.run.path)
    pin = pin_of(found, kept, "few")
    alone = [arena for arena in found["arenas"]
             if arena["live_blocks"] == sum(within(a, int(arena["address"], 16), arena["bytes"])
                                            for a in kept.addresses["few"])]
    assert len(alone) > 3
    assert found["pins"][pin]["exclusive_bytes"] == sum(arena["bytes"] for arena in alone)
    blocks, size = sum(arena["live_blocks"] for arena in alone), alone[0]["bytes"] * len(alone) >> 20
    head = memtrace_map(kept.run.path).stdout.split("\n\n")[0]
    assert (f"keeping.py:{kept.line('few')}: freeing {blocks:,} blocks gives back "
            f"{len(alone)} arenas, {size}") in head


def width(line):
    return len(re.sub("\x1b\\[[0-9;]*m", "", line))


@pytest.mark.parametrize("args", [(), ("-n", "2"), ("-n", "0"), ("--pools",), ("--by", "function")])
def test_fits_the_terminal(kept, monkeypatch, args):
    # Its path is as long as it is.
    monkeypatch.chdir(kept.run.path.parent)
    for columns in (60, 80, 120, 160):
        for locale in ("C", "C.UTF-8"):
            for color in ("never", "always"):
                text = memtrace_map("--color", color, *args, kept.run.path.name, COLUMNS=columns,
                                    LC_ALL=locale).stdout
                assert max(map(width, text.splitlines())) <= columns, text
                assert text.isascii() == (locale == "C")
                assert ("\x1b" in text) == (color == "always")
                assert f"keeping.py:{kept.line('few')}" in text or "few (keeping.py)" in text


def test_colour_changes_no_character(kept):
    for args in ((), ("--pools",)):
        plain = memtrace_map(*args, kept.run.path, COLUMNS=120).stdout
        colored = memtrace_map("--color", "always", *args, kept.run.path, COLUMNS=120).stdout
        assert re.sub("\x1b\\[[0-9;]*m", "", colored) == plain


def test_a_row_is_zoomed_into(kept):
    rows = memtrace_map("-n", "0", kept.run.path).stdout.split("\n\n")[1].splitlines()[1:]
    addresses = [re.search(r"0x[0-9a-f]+", row)[0] for row in rows]
    assert addresses == [arena["address"] for arena in as_json(kept.run.path)["arenas"]]
    for number in (1, 2, len(rows)):
        text = memtrace_map("-n", "0", f"--pools={number}", kept.run.path).stdout
        assert f"arena {addresses[number - 1]} of " in text
    for wrong in ("0", len(rows) + 1, "0x10", "few", "1x"):
        done = memtrace_map("-n", "0", f"--pools={wrong}", kept.run.path, status=1)
        assert f"'{wrong}'" in done.stderr and not done.stdout


def test_what_comes_next_can_be_typed(kept, tmp_path):
    path = tmp_path / "it's mine.memtrace"
    path.write_bytes(kept.run.path.read_bytes())
    said = memtrace_map(path, COLUMNS=1000).stdout.splitlines()[-1]
    command, purpose = said.removeprefix("next: memtrace map ").split("    ")
    assert purpose == "row 1, pool by pool"
    assert shlex.split(command) == ["--pools=1", str(path)]
    assert "keeping.py" in memtrace_map(*shlex.split(command)).stdout


MARKING = """\
import ctypes, sys
FILL, library, ids = b".", ctypes.CDLL(None), open(sys.argv[1], "w")
def fill(count):
    made = [None] * count
    for index in range(count):
        made[index] = FILL * 200  # marked
    return made
def mark(name):
    print(name, *map(id, kept), file=ids)
    library.memtrace_mark(name.encode())
kept = fill(40000)
mark("full")
kept = kept[::50]
mark("holes")
kept += fill(20000)
mark("again")
ids.close()
"""


def test_arenas_of_a_mark(trace, python, tmp_path):
    """An arena has as many of the line's blocks as there were ids in it, but for what its summary doesn't name."""
    script = tmp_path / "marking.py"
    script.write_text(MARKING)
    run = trace(python, script, tmp_path / "ids", compare=False)
    marks = {line.split()[0]: list(map(int, line.split()[1:]))
             for line in (tmp_path / "ids").read_text().splitlines()}
    # At the peak there are as many arenas as at the first mark that needs most of them.
    for name in (*marks, "peak"):
        found = as_json("--at", name, run.path)
        assert (found["at"]["name"], found["at"]["seconds"] is None) == (name, name == "peak")
        assert sum(arena["bytes"] for arena in found["arenas"]) == found["total"]["bytes"]
        lines = [number for number, pin in enumerate(found["pins"])
                 if (pin["file"], pin["line"]) == (str(script), line_of(script, "# marked"))]
        assert len(lines) == 1
        named = 0
        for arena in found["arenas"] if name in marks else ():
            assert arena["pools"] is None
            inside = sum(within(a, int(arena["address"], 16), arena["bytes"]) for a in marks[name])
            blocks = sum(pin["blocks"] for pin in arena["pins"] if pin["pin"] == lines[0])
            assert blocks <= inside <= blocks + arena["other_blocks"]
            named += blocks
        assert name not in marks or named > len(marks[name]) * 0.9
    most = max(as_json("--at", name, run.path)["total"]["arenas"] for name in marks)
    assert as_json("--at", "peak", run.path)["total"]["arenas"] >= most
    done = memtrace_map("--at", "holes", "--pools", run.path, status=1)
    assert "holes" in done.stderr
    assert as_json("--at", "end", "--pools", run.path) == as_json("--pools", run.path)


def test_nothing_is_live_at_the_start(kept):
    assert memtrace_map("--at", "start", kept.run.path).stdout.splitlines()[1:2]
    found = as_json("--at", "0s", kept.run.path)
    assert (found["arenas"], found["total"]["bytes"]) == ([], 0) and found["reason"]
    done = memtrace_map("--at", "noon", kept.run.path, status=1)
    assert "'noon'" in done.stderr


@pytest.mark.parametrize("allocator, since, word", [
    ("malloc", (3, 8), "PYTHONMALLOC=malloc"), ("mimalloc", (3, 13), "mimalloc")])
def test_without_arenas_one_line_says_why(trace, tmp_path, allocator, since, word):
    pythons = [path for path in INTERPRETERS.values() if python_version(path) >= since]
    if not pythons:
        pytest.skip("no interpreter that has it: make interpreters")
    (tmp_path / "a.py").write_text("x = [str(i) for i in range(1000)]\n")
    run = trace(pythons[0], tmp_path / "a.py", env={"PYTHONMALLOC": allocator})
    for args in ((), ("--pools",)):
        lines = memtrace_map(*args, run.path).stdout.splitlines()
        assert len(lines) == 2 and "no arenas" in lines[1] and word in lines[1]
    found = as_json(run.path)
    assert found["arenas"] == [] and word in found["reason"]


@pytest.mark.parametrize("tag", ["ARNA", "POOL", "PINS", "NODE", "CODE", "STRS", "WIND", "BLKA", "BLKS"])
def test_a_damaged_section_costs_that_section_only(kept, tag, tmp_path):
    content = bytearray(kept.run.path.read_bytes())
    offset, stored = sections(content)[tag]
    content[offset + stored // 2] ^= 0xff
    damaged = tmp_path / "damaged.memtrace"
    damaged.write_bytes(content)
    for args in ((), ("--pools",), ("-n", "0")):
        lost = tag == "POOL" and "--pools" in args
        done = memtrace_map(*args, damaged, status=int(lost))
        text = done.stdout or done.stderr
        # Blocks are read where they are shown.
        assert lost or tag in text or tag.startswith("BLK") and "--pools" not in args, text
    found = as_json(damaged)
    assert len(found["arenas"]) == (0 if tag == "ARNA" else found["total"]["arenas"])

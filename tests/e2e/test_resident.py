"""Where the resident set is: parts that add up to what the kernel says, each the size of what a program put there."""

import json
import re
import subprocess

import pytest
from conftest import COMMAND, LIBRARY, clean_environment, is_free_threaded, line_of, python_version
from resident import MIB, check_identity, slack

# Everything lives on until the interpreter finalises, where the collector looks.
BUILDS = """
import ctypes, mmap, sys, threading

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
MIB = 1 << 20

objects = [(i,) for i in range(200_000)]

path = sys.argv[1]
with open(path, "wb") as file:
    for _ in range(20):
        file.write(b"x" * MIB)
file = open(path, "rb")
mapped_file = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)  # file
for at in range(0, len(mapped_file), 4096):
    mapped_file[at]

private = mmap.mmap(-1, 24 * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)  # private
for at in range(0, 18 * MIB, 4096):
    private[at] = 1
shared = mmap.mmap(-1, 12 * MIB)  # shared
for at in range(0, len(shared), 4096):
    shared[at] = 1

small = [libc.malloc(40_000) for _ in range(400)]
for block in small:
    ctypes.memset(block, 1, 40_000)
large = libc.malloc(64 * MIB)  # large
ctypes.memset(large, 1, 30 * MIB)

class OnTheStack(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_char * (2 * MIB))]

def use_stack(ready, done):
    # Passed by value.
    libc.abs(OnTheStack())
    ready.set()
    done.wait()

events = [(threading.Event(), threading.Event()) for _ in range(3)]
for ready, done in events:
    threading.Thread(target=use_stack, args=(ready, done), daemon=True).start()  # starts
    ready.wait()

total = ours = 0
# A debug build that had to warn of an open file would import 6 MiB for it, behind what was summed up.
with open("/proc/self/smaps") as smaps:
    for line in smaps:
        if "-" in line.split()[0]:
            name = line
        elif line.startswith("Rss:"):
            total += int(line.split()[1]) * 1024
            ours += int(line.split()[1]) * 1024 * ("memtrace" in name.rsplit("/")[-1])
print(total, ours)
"""


def run(python, *args, out, **variables):
    env = clean_environment(LD_PRELOAD=LIBRARY, MEMTRACE_OUT=out, **variables)
    done = subprocess.run([python, *map(str, args)], env=env, check=True, capture_output=True, text=True)
    report = subprocess.run([COMMAND, "report", "--json", out], check=True, capture_output=True, text=True)
    return done.stdout, json.loads(report.stdout)


def test_every_part_is_what_the_program_put_there(python, tmp_path):
    if is_free_threaded(python):
        pytest.skip("without a GIL Python has no pools, and its own allocator maps what they would hold")
    script = tmp_path / "builds.py"
    script.write_text(BUILDS)
    said, report = run(python, script, tmp_path / "mapped", out=tmp_path / "run.memtrace")
    resident = report["resident"]
    assert resident["at_moment"]
    check_identity(report)
    total, ours = map(int, said.split())
    assert abs(resident["rss_bytes"] - total) <= slack(total)
    parts = resident["parts"]
    # 200,000 tuples of one and as many integers: 56 and 28 bytes, but for the small integers.
    pools = parts["live"] + parts["class_rounding"] + parts["pool_headers"] + parts["pinned"]
    assert 14 * MIB < parts["live"] < 26 * MIB
    assert pools <= report["arenas"]["bytes"]
    assert 20 * MIB <= parts["file"] < 50 * MIB
    assert 18 * MIB <= parts["mapped"] < 19 * MIB
    assert 12 * MIB <= parts["shared"] < 13 * MIB
    assert 400 * 40_000 <= parts["c_live"] < 400 * 40_000 + 8 * MIB
    assert 30 * MIB <= parts["c_mapped"] < 38 * MIB
    assert 6 * MIB <= parts["stack"] < 16 * MIB
    # The ring and the library by their names, and the library's tables.
    assert ours - MIB // 4 <= parts["memtrace"] <= ours + 2 * MIB
    assert parts["unattributed"] < MIB // 8
    # Each area belongs to the line that mapped it, to the page; and what else is resident of these, to none.
    mapped = report["mapped"]
    rows = {(row["part"], row["line"]): row for row in mapped["rows"] if row["file"] == str(script)}
    for part, word, resident_bytes, mapped_bytes in (("file", "file", 20, 20), ("mapped", "private", 18, 24),
                                                     ("shared", "shared", 12, 12), ("c_mapped", "large", 30, 64)):
        row = rows[part, line_of(script, f"# {word}")]
        assert resident_bytes * MIB <= row["resident_bytes"] <= resident_bytes * MIB + 8192
        assert mapped_bytes * MIB <= row["mapped_bytes"] <= mapped_bytes * MIB + 8192
    past_hooks = mapped["past_hooks_bytes"]
    assert set(past_hooks) == {"mapped", "c_mapped", "file", "shared", "stack", "unattributed"}
    for part, rest in past_hooks.items():
        assert rest + sum(row["resident_bytes"] for row in mapped["rows"] if row["part"] == part) == parts[part]
    # Each thread has 2 MiB of its argument in its stack; that of the main thread and libraries the kernel maps.
    stacks = [row for row in mapped["rows"] if row["part"] == "stack"]
    assert [own_line(row, script) for row in stacks] == [line_of(script, "# starts")]
    assert 6 * MIB <= stacks[0]["resident_bytes"]
    assert stacks[0]["mapped_bytes"] >= 3 * 6 * MIB
    assert past_hooks["stack"] < MIB and past_hooks["file"] > MIB
    text = subprocess.run([COMMAND, "report", tmp_path / "run.memtrace"], check=True, capture_output=True, text=True,
                          env=clean_environment(COLUMNS="200"))
    table = text.stdout.split("by the line that mapped it:")[1]
    assert re.search(r"MiB +stacks +\S*threading\.py:\d+\n", table)
    assert re.search(rf"18\.0 MiB +24\.0 MiB +mapped by the program +\S*builds\.py:{line_of(script, '# private')}\n",
                     table)
    assert re.search(r"past the hooks.*: .*files and libraries, \d+", " ".join(table.split()))


def own_line(row, script):
    """The innermost line of the program's own in a row's stack."""
    return next((frame["line"] for frame in row["stack"] if frame["file"] == str(script)), None)


RESIZES = """
import mmap
MIB = 1 << 20
areas = []

def keep(mib):
    area = mmap.mmap(-1, mib * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)  # keep
    for at in range(0, mib * MIB, 4096):
        area[at] = 1
    areas.append(area)

keep(5)
keep(3)
grown = mmap.mmap(-1, 2 * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)  # maps
for at in range(0, 2 * MIB, 4096):
    grown[at] = 1
grown.resize(9 * MIB)  # resizes
for at in range(0, 6 * MIB, 4096):
    grown[at] = 1
gone = mmap.mmap(-1, 7 * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)  # gone
gone[0] = 1
gone.close()
array = bytearray(11 * MIB)  # array
many = []
for i in range(50):
    exec(compile("\\n" * i + "many.append(mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))",
                 "many.py", "exec"))
    many[-1][0] = 1
"""


@pytest.mark.parametrize("journal", ["256MiB", "64KiB"])
def test_areas_that_move_go_and_are_many(any_python, tmp_path, journal):
    """The small journal makes checkpoints: looks come through those as well."""
    script = tmp_path / "resizes.py"
    script.write_text(RESIZES)
    out = tmp_path / "run.memtrace"
    _, report = run(any_python, script, out=out, MEMTRACE_JOURNAL=journal)
    assert report["resident"]["at_moment"]
    rows = {(row["part"], row["line"]): row for row in report["mapped"]["rows"] if row["file"] == str(script)}

    def sizes(part, word):
        row = rows.get((part, line_of(script, f"# {word}")))
        return row and (row["resident_bytes"], row["mapped_bytes"])
    assert sizes("mapped", "keep") == (8 * MIB, 8 * MIB)
    assert sizes("mapped", "resizes") == (6 * MIB, 9 * MIB)
    assert sizes("mapped", "maps") is None and sizes("mapped", "gone") is None
    # Without a GIL Python's own allocator maps large blocks itself, in pieces of its own size.
    if not is_free_threaded(any_python):
        assert all(11 * MIB <= size <= 11 * MIB + 8192 for size in sizes("c_mapped", "array"))
    # More stacks than a look tells apart: the others' sum is there.
    known = [row for row in report["mapped"]["rows"] if row["name"] != "(other stacks)"]
    others = {row["part"]: row for row in report["mapped"]["rows"] if row["name"] == "(other stacks)"}
    pages = [row for row in known if row["file"] == "many.py"]
    assert len(known) <= 32 and all(row["resident_bytes"] == 4096 for row in pages)
    assert others["mapped"]["resident_bytes"] >= (50 - len(pages)) * 4096
    assert others["mapped"]["file"] is None and others["mapped"]["stack"] is None


# As many floats and tuples die at once as the interpreter keeps, and more.
PARKS = """
kept = [float(i) for i in range(100_000)], [(i, i) for i in range(100_000)]
del kept
"""


def test_free_lists_are_counted_as_live(any_python, tmp_path):
    script = tmp_path / "parks.py"
    script.write_text(PARKS)
    out = tmp_path / "run.memtrace"
    _, report = run(any_python, script, out=out)
    resident = report["resident"]
    most_bytes = resident["free_lists_most_bytes"]
    text = subprocess.run([COMMAND, "report", out], check=True, capture_output=True, text=True).stdout
    if is_free_threaded(any_python):
        assert most_bytes is None and "counted as live" not in text
        return
    if python_version(any_python) < (3, 11):
        assert most_bytes is None and "counted as live; how much they hold isn't known" in text
        return
    assert most_bytes == min(report["free_lists"]["most_bytes"], resident["parts"]["live"])
    # 100 floats of 24 bytes (32 in their class) and 2,000 pairs of 56 (64 with the collector's head) at least.
    assert most_bytes >= min(100 * 32 + 2000 * 64, resident["parts"]["live"])
    assert "Python's free lists are counted as live: " in text


# The C library's name for mmap leads to the hooks; the number of the system call doesn't.
MAPS_PAST_THE_HOOKS = """
import ctypes, platform, time
number = {"x86_64": 9, "aarch64": 222}[platform.machine()]
libc = ctypes.CDLL(None)
libc.syscall.restype = ctypes.c_long
SIZE = ctypes.c_size_t(2 << 20)
for _ in range(32):
    at = libc.syscall(number, ctypes.c_void_p(0), SIZE, 3, 0x22, -1, ctypes.c_long(0))
    ctypes.memset(ctypes.c_void_p(at), 1, SIZE.value)
    time.sleep(0.35)
"""


def test_what_grows_past_the_hooks_is_outside(any_python, tmp_path):
    script = tmp_path / "past.py"
    script.write_text(MAPS_PAST_THE_HOOKS)
    _, report = run(any_python, script, out=tmp_path / "run.memtrace")
    assert 64 * MIB <= report["resident"]["parts"]["unattributed"] < 65 * MIB
    verdict = report["verdict"]
    assert verdict["kind"] == "outside"
    assert "grows by" in verdict["reasons"][0] and verdict["reasons"][1].startswith("unattributed grew most: by +")
    # Two MiB at each turn, which takes no less than it sleeps.
    rate = float(re.search(r"grows by ([\d.]+) MiB a second", verdict["reasons"][0])[1])
    assert 0.5 < rate <= 2 / 0.35 * 1.1

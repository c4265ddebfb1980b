"""Where the resident set is: parts that add up to what the kernel says, each the size of what a program put there."""

import json
import subprocess

import pytest
from conftest import COMMAND, LIBRARY, ROOT, clean_environment

MIB = 1 << 20

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
mapped_file = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
for at in range(0, len(mapped_file), 4096):
    mapped_file[at]

private = mmap.mmap(-1, 24 * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for at in range(0, 18 * MIB, 4096):
    private[at] = 1
shared = mmap.mmap(-1, 12 * MIB)
for at in range(0, len(shared), 4096):
    shared[at] = 1

small = [libc.malloc(40_000) for _ in range(400)]
for block in small:
    ctypes.memset(block, 1, 40_000)
large = libc.malloc(64 * MIB)
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
    threading.Thread(target=use_stack, args=(ready, done), daemon=True).start()
    ready.wait()

total = sum(int(line.split()[1]) for line in open("/proc/self/smaps") if line.startswith("Rss:"))
print(total * 1024)
"""


def closes(resident, witness):
    assert sum(resident["parts"].values()) == resident["rss_bytes"]
    assert abs(resident["rss_bytes"] - witness) <= max(witness * 0.02, 4 * MIB)
    assert abs(resident["residual_bytes"]) <= max(witness * 0.02, 4 * MIB)


def run(python, *args, out, **variables):
    env = clean_environment(LD_PRELOAD=LIBRARY, MEMTRACE_OUT=out, **variables)
    done = subprocess.run([python, *map(str, args)], env=env, check=True, capture_output=True, text=True)
    report = subprocess.run([COMMAND, "report", "--json", out], check=True, capture_output=True, text=True)
    return done.stdout, json.loads(report.stdout)


def test_every_part_is_what_the_program_put_there(python, tmp_path):
    script = tmp_path / "builds.py"
    script.write_text(BUILDS)
    said, report = run(python, script, tmp_path / "mapped", out=tmp_path / "run.memtrace")
    resident = report["resident"]
    assert resident["at_moment"]
    closes(resident, int(said))
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
    assert parts["unattributed"] < 4 * MIB


@pytest.mark.parametrize("sample", ["growing_list.py", "never_shrinks.py", "string_building.py", "slots.py"])
def test_it_closes_for_the_samples(any_python, tmp_path, sample):
    """The mark's own figure is the program's, read as it got there."""
    _, report = run(any_python, ROOT / "samples" / sample, out=tmp_path / "run.memtrace")
    assert report["resident"]["at_moment"]
    closes(report["resident"], report["marks"][-1]["rss_bytes"])

"""Every way to get memory from C, called through ctypes from lines that are known."""

import json
import mmap

import pytest
from conftest import line_of

MALLOC = """\
import ctypes, json, os, sys
c = ctypes.CDLL(None)
P, S = ctypes.c_void_p, ctypes.c_size_t
def function(name, *types):
    f = getattr(c, name)
    f.restype, f.argtypes = P, types
    return f
malloc, calloc = function("malloc", S), function("calloc", S, S)
realloc, reallocarray = function("realloc", P, S), function("reallocarray", P, S, S)
aligned_alloc, memalign = function("aligned_alloc", S, S), function("memalign", S, S)
valloc, pvalloc = function("valloc", S), function("pvalloc", S)
posix_memalign = c.posix_memalign
posix_memalign.argtypes = [ctypes.POINTER(P), S, S]
free = c.free
free.argtypes, free.restype = [P], None
live, gone = {}, []
def keep(name, address, size):
    live[name] = (address, size, sys._getframe(1).f_lineno)
keep("malloc", malloc(701), 701)
keep("malloc of none", malloc(0), 0)
keep("calloc", calloc(3, 211), 633)
keep("realloc of none", realloc(None, 801), 801)
p = malloc(100)
keep("realloc that grows", realloc(p, 100001), 100001)
p = malloc(5000)
keep("realloc that shrinks", realloc(p, 4000), 4000)
p = malloc(703)
keep("reallocarray", reallocarray(p, 7, 111), 777)
keep("aligned_alloc", aligned_alloc(64, 640), 640)
keep("memalign", memalign(128, 650), 650)
keep("valloc", valloc(660), 660)
keep("pvalloc", pvalloc(4096), 4096)
pointer = P()
posix_memalign(ctypes.byref(pointer), 256, 670)
keep("posix_memalign", pointer.value, 670)
keep("over a mapping threshold", malloc(50 << 20), 50 << 20)
p = malloc(702); keep("realloc that fails", p, 702)
assert realloc(p, 1 << 62) is None
p = malloc(704); keep("reallocarray that overflows", p, 704)
assert reallocarray(p, 1 << 40, 1 << 40) is None
p = malloc(705)
assert realloc(p, 0) is None
gone.append((p, 705))
p = malloc(706)
free(p)
gone.append((p, 706))
free(None)
assert malloc(1 << 62) is None and calloc(1 << 40, 1 << 40) is None
huge = malloc(5 << 30)
if huge: keep("more than 4 GiB", huge, 5 << 30)
moved = malloc(200 << 20)
keep("a mapping that moves", realloc(moved, 300 << 20), 300 << 20)
with open(sys.argv[1], "w") as out:
    json.dump({"live": live, "gone": gone}, out)
os._exit(0)
"""


@pytest.mark.hazard("missing hooks", "realloc")
def test_malloc_and_its_relatives(trace, python, tmp_path):
    script = tmp_path / "family.py"
    script.write_text(MALLOC)
    run = trace(python, script, tmp_path / "facts.json")
    facts = json.loads((tmp_path / "facts.json").read_text())
    blocks, chains = run.blocks(), run.chains()
    # These two are called on the line before the one that notes them.
    facts["live"]["posix_memalign"][2] -= 1
    if "more than 4 GiB" in facts["live"]:
        facts["live"]["more than 4 GiB"][2] -= 1
    # The block that shall survive a failed realloc stays charged to the line that made it.
    for name, (address, size, line) in facts["live"].items():
        block = blocks.get(address)
        assert block, f"{name}: not live"
        assert block["bytes"] == size, name
        assert block["domain"] == "malloc", name
        assert chains[block["stack"]][0] == (str(script), "<module>", line), name
    for address, size in facts["gone"]:
        assert blocks.get(address, {}).get("bytes") != size
    assert len(facts["live"]) >= 15


MMAP = """\
import mmap, os, sys
def private(n):
    return mmap.mmap(-1, n, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)  # private
def shared(n):
    return mmap.mmap(-1, n)  # shared
def closed(n):
    mmap.mmap(-1, n).close()  # closed
def large(n):
    return mmap.mmap(-1, n, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)  # large
def of_file(n):
    with open(sys.argv[1], "w+b") as file:
        file.truncate(n)
        return mmap.mmap(file.fileno(), n)  # file
kept = [private(1 << 20) for _ in range(10)], shared(3 << 20), large(6 << 30), of_file(1 << 20)
for _ in range(100):
    closed(5 << 20)
os._exit(0)
"""


@pytest.mark.hazard("missing hooks")
def test_mappings(trace, python, tmp_path):
    script = tmp_path / "maps.py"
    script.write_text(MMAP)
    run = trace(python, script, tmp_path / "file")
    domain_bytes = {}
    # The Python object that stands for a mapping is a small block of the same line.
    for what, count, size in (("private", 10, 10 << 20), ("shared", 1, 3 << 20), ("large", 1, 6 << 30),
                              ("closed", 0, 0), ("file", 0, 0)):
        entry = run.line(script, line_of(script, f"# {what}"))
        domain_bytes[what] = entry["size_bytes"] // mmap.PAGESIZE * mmap.PAGESIZE
        assert domain_bytes[what] == size, what
        assert count <= entry["count"] <= 2 * count + 3, what
    closed = run.line(script, line_of(script, "# closed"))
    assert closed["total_bytes"] >= 100 * (5 << 20)

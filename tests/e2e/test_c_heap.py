"""The C heap beside the arenas: glibc's own figures, what malloc_trim gives back, other allocators."""

import glob
import re

import pytest
from conftest import PROGRAMS, ROOT

SCRIPT = PROGRAMS / "holes.py"


def told(profile):
    """What the profile tells of the C heap."""
    return {key.partition(".")[2]: value for key, value in profile.info().items() if key.startswith("c_heap.")}


def sizes_of(text):
    return [tuple(map(int, item.split(":"))) for item in text.split()]


class Said:
    """malloc_info's text, read the slow way."""

    def __init__(self, text):
        bins = [{key: int(number) for key, number in re.findall(r'(\w+)="(\d+)"', line)}
                for line in re.findall(r"<(?:size|unsorted) .*/>", text)]
        self.arenas = text.count("<heap ")
        self.fast = [b for b in bins if b["to"] % 16 == 0]
        self.others = [b for b in bins if b["to"] % 16]

    def free_bytes(self):
        return sum(b["total"] - b["count"] * (b["to"] % 16) for b in self.others)


def run_holes(trace, python, pool_witness, workload):
    run = trace(python, SCRIPT, pool_witness, trace.work, workload, compare=False)
    heap, said = told(run), Said((trace.work / "holes.malloc").read_text())
    assert heap["allocator"] == "glibc" and heap["mark"] == "holes"
    assert int(heap["arenas"]) == said.arenas
    assert int(heap["free_chunks"]) == sum(b["count"] for b in said.others)
    assert int(heap["free_bytes"]) == said.free_bytes()
    assert int(heap["fast_bytes"]) == sum(b["total"] for b in said.fast)
    sizes = sizes_of(heap["free_sizes"])
    assert sum(chunks for _, chunks, _ in sizes) == int(heap["free_chunks"])
    assert sum(size for _, _, size in sizes) == int(heap["free_bytes"])
    return int(heap["trim_bytes"]), int(run.stdout), said


@pytest.mark.parametrize("workload", ["mixed", "equal", "top", "threads"])
def test_trimming_gives_back_what_is_told(trace, python, pool_witness, workload):
    """Within 3 per cent, for where chunks begin in their pages is taken for evenly spread, and half a MiB: what
    lies in fast bins may join its neighbours, and not every page of the heap's end was ever touched."""
    predicted, given_back, _ = run_holes(trace, python, pool_witness, workload)
    assert given_back > 10 << 20, "the workload has to leave large holes"
    assert predicted == pytest.approx(given_back, rel=0.03, abs=512 << 10)


def test_small_holes_give_nothing_back(trace, python, pool_witness):
    predicted, given_back, said = run_holes(trace, python, pool_witness, "small")
    assert said.free_bytes() > 20 << 20
    assert predicted < 1 << 20 and given_back < 1 << 20


def test_what_is_not_sorted_yet_is_told_at_most(trace, python, pool_witness):
    """Only the sum of such chunks is known: what is told is the most that they can give."""
    predicted, given_back, said = run_holes(trace, python, pool_witness, "unsorted")
    assert given_back * 0.98 < predicted < min(given_back * 1.25, said.free_bytes() + (1 << 20))


def preloadable(name):
    return next(iter(sorted(glob.glob(f"/usr/lib/*/{name}"))), None)


@pytest.mark.parametrize("name, library", [("jemalloc", "libjemalloc.so.2"), ("mimalloc", "libmimalloc.so.2"),
                                           ("tcmalloc", "libtcmalloc_minimal.so.4")])
@pytest.mark.parametrize("order", ["before us", "after us"])
def test_another_allocator_goes_by_its_name(trace, any_python, name, library, order):
    path = preloadable(library)
    if not path:
        pytest.skip(f"no {library} on this system")
    ours = trace.environment()["LD_PRELOAD"]
    preload = f"{path}:{ours}" if order == "before us" else f"{ours}:{path}"
    run = trace(any_python, ROOT / "samples/growing_list.py", 100, env={"LD_PRELOAD": preload},
                compare=False, check=order == "after us")
    assert told(run) == {"allocator": name}
    # glibc's figures would be those of a heap that nobody uses.
    assert {mark["heap_used_bytes"] for mark in run.section("MARK")} == {None}


def test_glibc_is_told_at_the_end(trace, python):
    run = trace(python, ROOT / "samples/growing_list.py", 100)
    heap = told(run)
    assert (heap["allocator"], heap["mark"]) == ("glibc", "end")
    assert int(heap["arenas"]) >= 1 and int(heap["trim_bytes"]) >= 0
    assert run.run_record()["dropped_events"] == 0

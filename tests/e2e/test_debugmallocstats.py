"""The map against the interpreter: its own figures of pools, and its pool headers, at the same moment.

Four readings of one moment under the GIL have to be the same to the last block: a model made from the
records of the kept stream up to the mark (tests/reader/pool_model.py), what _PyObject_DebugMallocStats
prints, the pool headers in a copy of the process's memory, and what the report says of the mark.
"""

import subprocess

import pytest
from conftest import PROGRAMS, clean_environment, is_free_threaded, python_version

pytest.importorskip("zstandard", reason="no zstd for Python: apt-get install python3-zstandard")
from pool_model import Figures, Memory, add_figures, pools_at_marks  # noqa: E402

EVERY_INTERPRETER = True
SCRIPT = PROGRAMS / "pools.py"
# What the interpreter prints, and its name in the report.
REPORTED = {"arenas": "count", "arena bytes": "bytes", "in allocated blocks": "live_bytes",
            "in available blocks": "available_bytes", "unused pools": "unused_pools",
            "lost to pool headers": "pool_header_bytes", "lost to quantization": "quantization_bytes",
            "lost to arena alignment": "alignment_bytes"}
STEPS = ["begin", "grown", "shrunk", "again", "cleared", "other"]


@pytest.fixture
def watch(trace, python, pool_witness):
    """watch(workload, **environment): a traced run whose steps the witness has taken."""
    if is_free_threaded(python):
        pytest.skip("free-threaded builds have no pools")

    def run(workload, **environment):
        bare = subprocess.run([python, SCRIPT, pool_witness, trace.work, "functions"], check=True, text=True,
                              capture_output=True, env=clean_environment(**environment))
        return trace(python, SCRIPT, pool_witness, trace.work, workload, compare=False,
                     env={"WITNESS_FUNCTIONS": bare.stdout.strip(), "MEMTRACE_EVENTS": "full",
                          "MEMTRACE_AUDIT": "marks", **environment})

    return run


def journal_of(profile):
    paths = list(profile.path.parent.glob(profile.path.name + ".journal.*"))
    return sorted(paths, key=lambda path: int(path.suffix[1:]))


def assert_reported(profile, mark, classes, totals):
    """The collector's own map at the mark, in the report's words."""
    arenas = profile.report("--from", "start", "--to", mark)["arenas"]
    assert {row["size"]: (row["pools"], row["blocks"], row["available"]) for row in arenas["classes"]} == classes
    assert {name: arenas[key] for name, key in REPORTED.items()} == totals


def assert_same(profile, mark, pools, figures, memory):
    """`figures`: one of each interpreter that has pools of its own."""
    classes, totals = add_figures(figures)
    assert_reported(profile, mark, classes, totals)
    assert pools.classes() == classes
    assert pools.totals() == totals
    headers = memory.pools(pools.arenas)
    assert sum(len(blocks) for _, blocks in headers.live.values()) == sum(used for _, used, _ in classes.values())
    assert pools.live == headers.live


def audit_of(profile, name):
    """The tracer's own reading of the headers at a mark, compared by the collector with its map."""
    marks = [mark["name"] for mark in profile.section("MARK")]
    [audit] = [audit for audit in profile.section("AUDT") if audit["mark"] == marks.index(name)]
    assert (audit["differing_arenas"], audit["differing_pools"], audit["differing_blocks"]) == (0, 0, 0)
    return audit


def check_steps(profile, folder, names):
    at_marks = pools_at_marks(journal_of(profile))
    for name in names:
        audit = audit_of(profile, name)
        assert (audit["blocks"], audit["pools"]) == (blocks_of(at_marks[name]), len(at_marks[name].live))
        assert_same(profile, name, at_marks[name], [Figures((folder / f"{name}.figures").read_text())],
                    Memory((folder / f"{name}.memory").read_bytes()))
    return [at_marks[name] for name in names]


def blocks_of(pools):
    return sum(len(blocks) for _, blocks in pools.live.values())


@pytest.mark.hazard("headers in blocks")
def test_growing_and_shrinking(watch, trace):
    begin, grown, shrunk, again, cleared, other = check_steps(watch("steps"), trace.work, STEPS)
    # The workload has to be what it says.
    assert blocks_of(grown) - blocks_of(begin) > 3000 and blocks_of(shrunk) < blocks_of(grown)
    assert len(again.arenas) > len(begin.arenas) and len(cleared.arenas) < len(again.arenas)
    both = again.live.keys() & other.live.keys()
    assert any(again.live[pool][0] != other.live[pool][0] for pool in both), "no pool has changed its class"


@pytest.mark.hazard("headers in blocks")
@pytest.mark.parametrize("allocator", ["debug", "pymalloc_debug"])
def test_debug_allocators(watch, trace, allocator):
    check_steps(watch("steps", PYTHONMALLOC=allocator), trace.work, STEPS)


@pytest.mark.hazard("realloc")
def test_reallocs(watch, trace):
    check_steps(watch("reallocs"), trace.work, ["grown", "shrunk", "again"])


def test_threads(watch, trace):
    check_steps(watch("threads"), trace.work, ["running", "joined", "freed"])


def test_fork(watch, trace):
    run = watch("fork")
    parent, child = sorted(run.profiles(), key=lambda profile: "forked" in profile.info())
    check_steps(parent, trace.work, ["before", "parent"])
    check_steps(child, trace.work, ["before", "child"])


@pytest.mark.parametrize("how", ["shared", "own"])
def test_interpreters(watch, trace, python, how):
    """With a GIL of their own they have pools of their own: the map has them all."""
    if how == "own" and python_version(python) < (3, 12):
        pytest.skip("a GIL for each interpreter came with CPython 3.12")
    run = watch(how)
    pools = pools_at_marks(journal_of(run))["all"]
    figures = [Figures(path.read_text()) for path in sorted(trace.work.glob("all.*.figures"))]
    assert len(figures) == 4
    one_for_all = len({figures_.text for figures_ in figures}) == 1
    assert one_for_all == (how == "shared")
    assert_same(run, "all", pools, figures[:1] if one_for_all else figures,
                Memory((trace.work / "all.memory").read_bytes()))

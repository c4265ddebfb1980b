"""A tree of processes is one story: each has its profile, which names what it descends from."""

import collections
import json
import subprocess

import pytest
from conftest import COMMAND, PROGRAMS, find_profiles, line_of, wait_for

FAMILY = PROGRAMS / "family.py"
OWN = str(FAMILY), line_of(FAMILY, "# own")

Member = collections.namedtuple("Member", "name pid parent how blocks")


def report(*arguments):
    command = [COMMAND, "report", "--json", "-n", "0", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def above(processes):
    """run id -> the process that it stands below."""
    path, found = [], {}
    for process in processes:
        del path[process["depth"]:]
        found[process["run_id"]] = path[-1] if path else None
        path.append(process)
    return found


def own_growth(process, reports):
    """Blocks of its own, and all that it holds, of the line where each makes its own."""
    rows = [row for row in reports[process["file"]]["growth"] if (row["file"], row["line"]) == OWN]
    return (rows[0]["count_diff"], rows[0]["count"]) if rows else (0, 0)


@pytest.fixture
def family(trace, python, tmp_path):
    """The members as they say themselves, and the run."""
    run = trace(python, FAMILY, compare=False, check=False)
    assert (run.status, run.stderr) == (0, "")
    wait_for(lambda: not list(run.folder.glob("*.ring")), seconds=60, what="end of all collectors")
    words = [line.split() for line in (tmp_path / "witness").read_text().splitlines()]
    return [Member(name, int(pid), int(parent), None if how == "first" else how, int(blocks))
            for name, pid, parent, how, blocks in words], run


@pytest.mark.hazard("vfork and posix_spawn")
def test_every_way_to_make_a_process(family):
    members, run = family
    assert len(members) == 16
    whole = report(run.folder)
    assert whole["schema"] == "memtrace.set/1"
    processes, parents = whole["processes"], above(whole["processes"])
    reports = {one["file"]: one for one in whole["reports"]}
    assert not any(one["doubts"] for one in whole["reports"])
    # Nobody stands apart, those of multiprocessing's own neither.
    assert [process["depth"] for process in processes].count(0) == 1
    assert len(processes) == len(reports) == len(find_profiles(run.folder)) > len(members)
    for member in members:
        # What a process became has its number.
        process, = [p for p in processes if (p["pid"], p["how"]) == (member.pid, member.how)
                    and own_growth(p, reports)[0] == member.blocks]
        parent = parents[process["run_id"]]
        assert (parent["pid"] if parent else 0) == member.parent, member
        inherited = own_growth(parent, reports)[1] if member.how == "forked" else 0
        assert own_growth(process, reports) == (member.blocks, member.blocks + inherited), member
        if member.how != "executed" and parent:
            assert process["parent_run_id"] == parent["run_id"]
            assert process["parent_file"] == parent["file"]
        assert process["forked"] == (member.how == "forked")
    ends = {m.name: [p["end"] for p in processes if p["pid"] == m.pid] for m in members}
    assert sorted(ends["executed-again"]) == ["exec", "exec", "exit"]
    assert sorted(ends["preexec"]) == ["exec", "exit"]


def test_a_run_counts_once(trace, any_python, tmp_path):
    """Whatever names it: its files, its folder, a pattern that the shell didn't expand."""
    run = trace(any_python, "-c", "kept = [0] * 99", compare=False)
    ways = [[run.path, run.path], [f"{run.path}.ring", run.path], [run.folder], [f"{run.folder}/"],
            [f"{run.folder}/*.mem*"], [run.folder, run.path, f"{run.folder}/r?n*"]]
    for way in ways:
        whole = report(*way)
        assert whole["schema"] == "memtrace.set/1"
        assert len(whole["processes"]) == len(whole["reports"]) == 1
        merged = report("--merge", *way)
        assert merged["total"]["count"] == whole["reports"][0]["total"]["count"]
    empty = tmp_path / "empty"
    empty.mkdir()
    for nothing in (empty, f"{empty}/*"):
        done = subprocess.run([COMMAND, "report", nothing], capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (1, "") and str(nothing) in done.stderr

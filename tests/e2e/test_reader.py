"""The independent reader of tests/reader: over profiles of many kinds, and whether it would notice.

Each test that runs a program under the tracer compares the two readers too: see Profile.check of
conftest.py. Here are the kinds of profile that those don't make.
"""

import pytest
from conftest import ROOT, Profile, compare_by_page

pytest.importorskip("zstandard", reason="no zstd for Python: apt-get install python3-zstandard")
import memtrace_journal  # noqa: E402
import memtrace_profile  # noqa: E402

V1 = ROOT / "tests/data/v1.memtrace"


@pytest.mark.parametrize("environment", [{}, {"PYTHONMALLOC": "debug"}, {"PYTHONMALLOC": "malloc"},
                                         {"PYTHONTRACEMALLOC": "3"}, {"MEMTRACE_EVENTS": "all"}],
                         ids=lambda environment: "-".join(environment.values()) or "plain")
def test_reads_what_the_command_reads(trace, python, environment):
    run = trace(python, ROOT / "samples/growing_list.py", env=environment, compare=False, check=False)
    profile = compare_by_page(run.path, run.dump())
    assert profile.site and profile.node and profile.blocks
    assert {"start", "main", "end"} <= {mark["name"] for mark in profile.mark}


def test_notices_a_figure_that_differs(trace, any_python):
    run = trace(any_python, "-c", "pass")
    for section, field in (("SITE", "live_bytes"), ("NODE", "line"), ("BLK", "stack"), ("CHNG", "live_blocks")):
        records = [dict(record) for record in run.dump()]
        last = [record for record in records if record["section"] == section and record[field]][-1]
        last[field] += 1
        with pytest.raises(AssertionError, match=section):
            compare_by_page(run.path, records)


def test_lines_are_pythons_own(trace, any_python, tmp_path):
    """Lines by the page's words alone, against the lines that the program is known to have."""
    script = tmp_path / "lines.py"
    script.write_text("kept = [\n" + "".join(f"    bytes({1000 + n}),\n" for n in range(50)) + "]\n"
                      "def inner():\n    return (\n        bytearray(54321))\n"
                      "held = inner()\nkept.append(held)\n")
    profile = memtrace_profile.Profile.open(trace(any_python, script).path)
    lines = {}
    for block in profile.blocks:
        node = profile.node[block["stack"] - 1] if block["stack"] else None
        code = node and profile.code_of(node)
        if code and code["file"] == str(script) and block["bytes"] >= 1000:
            lines.setdefault((code["name"], profile.line(node)), []).append(block["bytes"])
    overhead = {size[0] - (1000 + line - 2) for (_, line), size in lines.items() if 2 <= line <= 51}
    assert len(overhead) == 1, "each element of the list at its own line, with one header for all"
    assert len([line for _, line in lines if 2 <= line <= 51]) == 50
    assert [line for name, line in lines if name == "inner"] == [55]


def test_reads_the_first_format_ever():
    compare = memtrace_profile.Profile.open(V1)
    assert not compare.problems and compare.run and compare.node
    assert len(compare.blocks) == compare.run["block_count"] == len(
        [record for record in Profile(V1).dump() if record["section"] == "BLK"])


@pytest.mark.parametrize("tag", ["STRS", "SITE", "WIND", "BLKW"])
def test_a_damaged_section_costs_that_section(trace, any_python, tag, tmp_path):
    """Both readers, told by the page what becomes of references into what is lost."""
    whole = trace(any_python, ROOT / "samples/growing_list.py").path.read_bytes()
    offset = memtrace_profile.Profile(whole).sections[tag][1]
    damaged = tmp_path / "damaged.memtrace"
    damaged.write_bytes(whole[:offset] + b"\0\0\0\0" + whole[offset + 4:])
    profile = memtrace_profile.Profile.open(damaged)
    assert profile.problems
    records = Profile(damaged).dump()
    assert len([r for r in records if r["section"] == "NODE"]) == len(profile.node) > 0
    assert len([r for r in records if r["section"] == "BLK"]) == len(profile.blocks) > 0
    assert [r["window"] for r in records if r["section"] == "BLK"] == [b["window"] for b in profile.blocks]
    assert {r["file"] for r in records if r["section"] == "CODE"} == {c["file"] for c in profile.code}


@pytest.mark.parametrize("events", ["full", "all"])
def test_a_journal_tells_what_is_live(trace, python, events):
    """A journal, read by the page alone and applied by a dictionary, leaves the profile's blocks."""
    run = trace(python, ROOT / "samples/growing_list.py", env={"MEMTRACE_EVENTS": events}, compare=False, check=False)
    journals = sorted(run.folder.glob("*.journal.*"))
    assert len(journals) == 1
    live = memtrace_journal.live_blocks(memtrace_journal.records(journals[0].read_bytes()))
    profile = memtrace_profile.Profile.open(run.path)
    assert {address & ~7: block for address, block in live.items()} == {
        block["address"]: (block["bytes"], block["stack"]) for block in profile.blocks}


def test_a_journals_records_are_the_commands(trace, any_python):
    run = trace(any_python, "-c", "pass", env={"MEMTRACE_EVENTS": "full"}, check=False)
    journal = next(run.folder.glob("*.journal.*"))
    printed = [record for record in Profile(journal).dump() if record["section"] == "RECORD"]
    mine = list(memtrace_journal.records(journal.read_bytes()))
    assert len(mine) == len(printed)
    for (kind, a, b, payload), record in zip(mine, printed):
        if record["kind"] in ("FREE", "SMALL_MEM", "SMALL_OBJECT", "ALLOC_MALLOC", "RETAG"):
            assert a == record["address"] and b & 0xffffffff == record["stack"], record
        elif record["kind"] == "TICK":
            assert (kind, a, b) == (32, record["a"], record["b"])

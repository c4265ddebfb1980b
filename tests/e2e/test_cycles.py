"""Cyclic garbage by line: what only the collector could free, as it was constructed."""

import json

import pytest

from conftest import is_free_threaded, line_of, needs_plain_blocks, python_version

EVERY_INTERPRETER = True
PROGRAM = """\
import gc, json, os, sys
class Node:
    __slots__ = ("peer", "body")
def pairs(count):
    for _ in range(count):
        parent = Node()  # parents
        child = Node()  # children
        parent.peer, child.peer = child, parent
        child.body = LETTER * 900  # bodies
def rings(count):
    for _ in range(count):
        ring = [None] * 50  # rings
        ring[0] = ring
def spares(count):
    kept = [[index] for index in range(count)]  # spares
def stays(count):
    global kept
    kept = []
    for _ in range(count):
        node = Node()  # stays
        node.peer = node
        kept.append(node)
LETTER = b"x"
gc.collect()
gc.disable()
pairs(3_000)
rings(2_000)
found = gc.collect()
node = Node()
stays(1_000)
spares(2_000)
nothing = gc.collect()
with open(sys.argv[1], "w") as out:
    json.dump({"node": sys.getsizeof(node), "body": sys.getsizeof(LETTER * 900), "found": found,
               "nothing": nothing, "list": sys.getsizeof([]), "items": 50 * 8,
               "collections": [s["collections"] for s in gc.get_stats()],
               "collected": [s["collected"] for s in gc.get_stats()]}, out)
if sys.argv[2] == "exit":
    os._exit(0)
"""


@pytest.fixture
def ran(trace, python, tmp_path):
    """End -> the run that ended so, with the facts the program told of itself."""
    def run(end):
        needs_plain_blocks(python)
        script = tmp_path / "cycles.py"
        script.write_text(PROGRAM)
        done = trace(python, script, tmp_path / "facts.json", end)
        return done, json.loads((tmp_path / "facts.json").read_text()), script
    return run


def cyclic(run, script, comment):
    rows = [row for row in run.report()["cycles"]["rows"]
            if (row["file"], row["line"]) == (str(script), line_of(script, comment))]
    return (rows[0]["bytes"], rows[0]["blocks"]) if rows else (0, 0)


@pytest.mark.parametrize("end", ["exit", "finalise"])
def test_garbage_is_what_was_constructed(ran, python, end):
    run, facts, script = ran(end)
    assert facts["found"] == 8_000 and facts["nothing"] == 0
    assert cyclic(run, script, "# parents") == (3_000 * facts["node"], 3_000)
    assert cyclic(run, script, "# children") == (3_000 * facts["node"], 3_000)
    assert cyclic(run, script, "# bodies") == (3_000 * facts["body"], 3_000)
    # Some lists may lie in the place of spare ones, which stand at other lines, and [None] leaves a
    # spare one behind that goes with the garbage. There are 80 at most.
    size, blocks = cyclic(run, script, "# rings")
    assert abs(blocks - 4_000) <= 80
    capacity = 8 if is_free_threaded(python) else 0
    assert size == 2_000 * (facts["items"] + capacity) + (blocks - 2_000) * facts["list"]
    # What was cyclic when the interpreter ended is its end's, and a full collection that
    # finds nothing empties lists of spare objects.
    assert cyclic(run, script, "# stays") == (0, 0)
    assert cyclic(run, script, "# spares") == (0, 0)


@pytest.mark.parametrize("end", ["exit", "finalise"])
def test_collections_equal_the_interpreters_own_figures(ran, end):
    run, facts, _ = ran(end)
    told = run.report()["cycles"]["collections"]
    assert [row["generation"] for row in told] == [0, 1, 2]
    assert [row["count"] for row in told] == facts["collections"]
    assert [row["objects"] for row in told] == facts["collected"]


def test_rows_add_up_to_what_collections_freed(ran, python):
    run, _, _ = ran("exit")
    cycles = run.report()["cycles"]
    for figure in ("bytes", "blocks"):
        assert sum(row[figure] for row in cycles["rows"]) == cycles[figure]
        told = sum(row[figure] for row in cycles["collections"])
        # 3.14 doesn't count its collections in increments.
        assert told <= cycles[figure] if python_version(python)[:2] == (3, 14) else told == cycles[figure]


def test_report_shows_what_to_break(ran):
    run, facts, script = ran("exit")
    text = run.report_text()
    section = text[text.index("\ncycles: only the cyclic collector could free"):]
    assert f" of {sum(facts['collected']):,} objects" in " ".join(section.split())
    assert f":{line_of(script, '# bodies')}: " in section
    assert "child.body = LETTER * 900" in section
    assert "break the cycle that holds what" in " ".join(section.split())


SETTINGS = """\
import gc, json, os, sys
if "set" in sys.argv:
    gc.set_threshold(701, 13, 17)
if "freeze" in sys.argv:
    gc.freeze()
if "disable" in sys.argv:
    gc.disable()
with open(sys.argv[1], "w") as out:
    json.dump({"enabled": gc.isenabled(), "thresholds": gc.get_threshold()}, out)
if "exit" in sys.argv:
    os._exit(0)
"""


@pytest.mark.parametrize("did", [(), ("set",), ("freeze", "exit"), ("disable",), ("set", "disable", "exit")])
def test_settings_of_the_collector_are_noticed(trace, python, tmp_path, did):
    script = tmp_path / "settings.py"
    script.write_text(SETTINGS)
    run = trace(python, script, tmp_path / "facts.json", *did)
    facts = json.loads((tmp_path / "facts.json").read_text())
    cycles = run.report()["cycles"]
    if cycles["collector"] is None:
        pytest.skip("this build keeps the collector's settings where no release does")
    assert cycles["collector"]["enabled"] == facts["enabled"]
    # The third means nothing from 3.14 on.
    assert cycles["collector"]["thresholds"][:2] == facts["thresholds"][:2]
    # Without a GIL there is no list of them.
    assert cycles["collector"]["frozen"] == ("freeze" in did and not is_free_threaded(python))
    assert any("gc.disable" in note for note in cycles["notes"]) == ("disable" in did)
    # There is hardly any garbage: what would be found in it is nobody's to mend.
    assert "break the cycle" not in run.report_text()


TIMED = """\
import gc, json, os, sys, time
witness = [[0, 0.0, 0.0, 0.0] for _ in range(3)]
def note(phase, info):
    global began, computed
    if phase == "start":
        began, computed = time.perf_counter(), time.thread_time()
    else:
        own = time.thread_time() - computed
        count, least, longest, most = witness[info["generation"]]
        witness[info["generation"]] = [count + 1, least + own, max(longest, own),
                                       most + time.perf_counter() - began]
def work(count):
    kept = []
    for index in range(count):
        kept.append([index, (index, str(index))])
        if len(kept) > 3_000:
            kept.clear()
def stats():
    return [[s["collections"], s.get("duration")] for s in gc.get_stats()]
kept = [[index, {}] for index in range(20_000)]
gc.set_threshold(50)
work(5_000)
before = stats()
gc.callbacks.append(note)
for _ in range(10):
    work(5_000)
    time.sleep(0.2)
gc.callbacks.clear()
gc.disable()
work(600)
asked = stats()
for _ in range(3):
    gc.collect()
after = stats()
with open(sys.argv[1], "w") as out:
    json.dump({"witness": witness, "before": before, "asked": asked, "after": after}, out)
os._exit(0)
"""


@pytest.fixture
def timed(trace, python, tmp_path):
    """(rows by generation, what the program saw itself)"""
    script = tmp_path / "timed.py"
    script.write_text(TIMED)
    run = trace(python, script, tmp_path / "facts.json")
    return run.report()["cycles"]["collections"], json.loads((tmp_path / "facts.json").read_text())


def times_all(python):
    """Without a GIL nothing is timed, and increments are no collections to 3.14.0 to 3.14.4."""
    version = python_version(python)
    return version >= (3, 15) or not (is_free_threaded(python) or (3, 14) <= version < (3, 14, 5))


def test_collections_take_as_long_as_the_program_sees(timed, python):
    rows, facts = timed
    # From 3.15 on it is the interpreter that measures, and the callbacks that lie around it.
    own = python_version(python) >= (3, 15)
    assert [row["count"] for row in rows] == [count for count, _ in facts["after"]]
    for row, (count, least, longest, most) in zip(rows, facts["witness"]):
        if not times_all(python) or not count:
            continue
        assert row["timed_count"] >= count
        assert row["longest_seconds"] <= row["seconds"]
        # The callbacks see what lies between them; we, what lies around them. Sleeping is no part of it.
        assert own or least <= row["seconds"]
        assert own or longest <= row["longest_seconds"]
        assert row["seconds"] < most + 1


def test_the_interpreters_own_durations_are_told(timed, python):
    rows, facts = timed
    if python_version(python) < (3, 15):
        # Those that the program asks for begin without a sign.
        for row, (before, _), (after, _) in zip(rows, facts["asked"], facts["after"]):
            assert row["timed_count"] <= row["count"] - (after - before)
        return
    for row, (count, seconds) in zip(rows, facts["after"]):
        assert row["timed_count"] == row["count"] == count
        assert row["seconds"] == pytest.approx(seconds, abs=1e-6) if count else row["seconds"] is None


OFTEN = """\
import gc, sys, time
if sys.argv[1] == "often":
    gc.set_threshold(5)
live = [[] for _ in range(2_000)]
kept = []
end = time.monotonic() + 1.5
while time.monotonic() < end:
    kept.append(tuple(live))
    if len(kept) == 50:
        kept.clear()
"""


@pytest.mark.parametrize("how", ["often", "seldom"])
def test_a_collector_that_runs_too_often_is_told_of(trace, python, tmp_path, how):
    script = tmp_path / "often.py"
    script.write_text(OFTEN)
    run = trace(python, script, how)
    cycles = run.report()["cycles"]
    share = sum(row["seconds"] or 0 for row in cycles["collections"]) / run.run_record()["duration_ms"] * 1e3
    told = [note for note in cycles["notes"] if "too often" in note]
    if how == "seldom":
        assert share < 0.1 and not told
    elif not times_all(python):
        assert not told or share >= 0.1
    else:
        assert share > 0.1
        assert told and f" {share:.0%} of the run" in told[0].replace(" %", "%")
        text = " ".join(run.report_text().split())
        assert "the collector runs too often: " in text and "gc.freeze()" in text


SELDOM = """\
import gc
gc.disable()
class Node:
    pass
for _ in range(4):
    for _ in range(12_000):
        node = Node()
        node.me = node
        node.body = bytes(1_000)
    gc.collect()
"""


def test_sizes_in_sentences_follow_the_units(trace, python, tmp_path):
    script = tmp_path / "seldom.py"
    script.write_text(SELDOM)
    run = trace(python, script)
    for units, own, other in (("iec", " MiB", " MB"), ("si", " MB", " MiB")):
        cycles = run.report("--units", units)["cycles"]
        told = [note for note in cycles["notes"] if "too seldom" in note]
        assert len(told) == 1 and own in told[0] and other not in told[0]

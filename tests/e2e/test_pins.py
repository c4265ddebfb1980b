"""Who holds arenas: reports against programs that hold them by construction, and against a slow model that
goes through every live block."""

import collections
import json

import pytest
from conftest import PROGRAMS, ROOT, line_of, memtrace, needs_plain_blocks, python_version

PINNING = PROGRAMS / "pinning.py"
SAMPLE = ROOT / "samples/fragmentation.py"
MIB = 1 << 20
HEADER_BYTES = 48
COUNT = 400_000


class Model:
    """Pins out of the dump: which arena and pool each block is in, and what its innermost line is."""

    def __init__(self, run):
        self.chains = run.chains()
        self.arenas = [(a["address"], a["bytes"]) for a in run.section("ARNA")]
        pools = {pool["address"]: 16 * pool["class"] for pool in run.section("POOL")}
        pool_bytes = run.run_record()["pool_bytes"]
        self.headers = collections.Counter(self.arena_of(pool) for pool in pools)
        self.live = collections.Counter()
        # (arena, line) -> blocks and their bytes
        self.blocks = collections.Counter()
        self.block_bytes = collections.Counter()
        for block in run.section("BLK"):
            size = pools.get(block["address"] // pool_bytes * pool_bytes)
            arena = self.arena_of(block["address"])
            if block["domain"] == "malloc" or size is None or arena is None:
                continue
            key = arena, self.line(block["stack"])
            self.blocks[key] += 1
            self.block_bytes[key] += size
            self.live[arena] += size

    def arena_of(self, address):
        for start, size in self.arenas:
            if start <= address < start + size:
                return start
        return None

    def line(self, stack):
        """As a report's entry has it."""
        frames = self.chains[stack]
        return (frames[0][0], frames[0][2]) if frames else (None, None)

    def free(self, arena):
        return dict(self.arenas)[arena] - self.live[arena] - HEADER_BYTES * self.headers[arena]

    def lines(self):
        """line -> blocks, live_bytes, exclusive_bytes, arenas, and pinned_bytes before they are rounded"""
        holders = collections.defaultdict(set)
        arena_blocks = collections.Counter()
        for (arena, line), blocks in self.blocks.items():
            holders[arena].add(line)
            arena_blocks[arena] += blocks
        lines = collections.defaultdict(lambda: [0, 0, 0, 0, 0.0])
        for (arena, line), blocks in self.blocks.items():
            figures = lines[line]
            figures[0] += blocks
            figures[1] += self.block_bytes[arena, line]
            figures[2] += dict(self.arenas)[arena] if len(holders[arena]) == 1 else 0
            figures[3] += 1
            figures[4] += self.free(arena) * blocks / arena_blocks[arena]
        return lines


def test_pins_are_those_of_every_block(trace, python):
    run = trace(python, PINNING, 30_000, 3)
    report = run.report()
    model = Model(run)
    expected = model.lines()
    assert len(model.arenas) > 2 and len(expected) > 3
    assert {(pin["file"], pin["line"]) for pin in report["pins"]} == set(expected)
    for pin in report["pins"]:
        blocks, live, exclusive, arenas, pinned = expected[pin["file"], pin["line"]]
        assert (pin["blocks"], pin["live_bytes"], pin["exclusive_bytes"], pin["arenas"]) == (
            blocks, live, exclusive, arenas), pin
        # Each stack's share of an arena is within a byte.
        assert abs(pin["pinned_bytes"] - pinned) <= len(model.chains)
    free = sum(model.free(arena) for arena, _ in model.arenas)
    assert sum(pin["pinned_bytes"] for pin in report["pins"]) == free == report["arenas"]["pinned_bytes"]
    keys = [(pin["exclusive_bytes"], pin["pinned_bytes"]) for pin in report["pins"]]
    assert keys == sorted(keys, reverse=True)


def test_arenas_consist_of_what_adds_up(trace, python):
    arenas = trace(python, PINNING, 30_000, 3).report()["arenas"]
    assert arenas["bytes"] == sum(arenas[key] for key in ("live_bytes", "pool_header_bytes", "free_bytes"))
    assert arenas["free_bytes"] == sum(arenas[key] for key in (
        "available_bytes", "unused_pool_bytes", "quantization_bytes", "alignment_bytes"))
    assert arenas["pool_header_bytes"] == HEADER_BYTES * arenas["pools"]
    for total, part in (("pools", "pools"), ("blocks", "blocks"), ("available_blocks", "available")):
        assert arenas[total] == sum(size[part] for size in arenas["classes"]), total
    assert arenas["live_bytes"] == sum(size["size"] * size["blocks"] for size in arenas["classes"])
    assert arenas["live_bytes"] >= arenas["requested_bytes"] > 0


def test_the_verdict_names_the_line_that_keeps(trace, any_python):
    run = trace(any_python, SAMPLE, 400_000)
    report = run.report()
    line = line_of(SAMPLE, "# pins")
    verdict = report["verdict"]
    assert verdict["kind"] == "fragmentation" and verdict["confidence"] == "high"
    assert f"{SAMPLE}:{line}" in verdict["advice"][0]
    pin = report["pins"][0]
    assert (pin["file"], pin["line"]) == (str(SAMPLE), line)
    # 64 bytes each, or 80 with a hash, and pools use at least 98 % of an arena for them.
    needed = 400_000 * (64 if python_version(any_python) < (3, 14) else 80)
    assert needed * 0.9 < pin["exclusive_bytes"] < needed * 1.1
    assert report["release"][0]["bytes"] == pin["exclusive_bytes"] == verdict["returned_bytes"]
    text = run.report_text()
    assert text.startswith("fragmentation: ")
    assert f"{line} gives back" in " ".join(text.split())


def test_lines_that_hold_together_are_released_together(trace, any_python):
    run = trace(any_python, PINNING, 300_000, 3)
    report = run.report()
    step = report["release"][0]
    makers = {f"<maker {number}>" for number in range(3)}
    assert {report["pins"][rank - 1]["file"] for rank in step["ranks"]} == makers
    assert step["rows"] == 3 and step["bytes"] > 300_000 * 64 * 0.8
    assert all(pin["exclusive_bytes"] == 0 for pin in report["pins"] if pin["file"] in makers)


def test_restarting_is_advised_where_no_few_lines_help(trace, any_python):
    report = trace(any_python, PINNING, 600_000, 30).report()
    assert "restarting" in report["verdict"]["advice"][0]
    makers = {rank for step in report["release"] for rank in step["ranks"]
              if str(report["pins"][rank - 1]["file"]).startswith("<maker")}
    assert len(makers) == 30
    # The step that completes them gives all of their arenas back.
    last = next(step for step in report["release"] if step["rows"] >= 30)
    assert last["bytes"] > 600_000 * 64 * 0.8


def test_a_filter_leaves_the_verdict_alone(trace, any_python):
    run = trace(any_python, PINNING, 300_000, 3)
    whole, part = run.report(), run.report("--focus", "maker 1>")
    assert part["verdict"] == whole["verdict"] and part["verdict"]
    assert {pin["file"] for pin in part["pins"]} == {"<maker 1>"}
    for key in ("blocks", "live_bytes", "pinned_bytes"):
        assert part["pins_total"][key] + part["pins_others"][key] == whole["pins_total"][key]
    # What the others hold, too, doesn't go back.
    assert part["release"] == []


@pytest.mark.parametrize("by", ["line", "own", "function", "file", "module", "stack", "thread"])
def test_rows_add_up_however_they_are_made(trace, any_python, by):
    run = trace(any_python, PINNING, 20_000, 2)
    report = run.report("--by", by)
    for key in ("blocks", "live_bytes", "pinned_bytes"):
        assert sum(pin[key] for pin in report["pins"]) == report["pins_total"][key]
    assert report["pins_total"]["blocks"] == report["arenas"]["blocks"]


def test_several_processes_add_up(trace, any_python, tmp_path):
    script = tmp_path / "forks.py"
    script.write_text("import os, sys\n"
                      f"sys.argv[1:] = ['200000', '1']\nexec(open({str(PINNING)!r}).read())\n"
                      "pid = os.fork()\n"
                      "if pid:\n    os.waitpid(pid, 0)\n")
    run = trace(any_python, script, compare=False)
    parts = run.profiles()
    assert len(parts) == 2
    merged = json.loads(memtrace("report", "--merge", "--json", "-n", "0", *(p.path for p in parts)).stdout)
    alone = [part.report() for part in parts]
    for key in ("blocks", "live_bytes", "pinned_bytes", "exclusive_bytes", "arenas"):
        assert sum(pin[key] for pin in merged["pins"]) == sum(
            pin[key] for report in alone for pin in report["pins"]), key
    assert [process["arenas"]["bytes"] for process in merged["processes"]].count(0) == 0
    done = memtrace("report", "--merge", *(p.path for p in parts))
    assert "Arenas of all processes" in done.stdout
    for part, report in zip(parts, alone):
        assert report["verdict"]["kind"] == "fragmentation"
        assert f"pid {part.run_record()['pid']}: fragmentation: " in done.stdout


def test_a_small_program_gets_one_line(trace, any_python):
    run = trace(any_python, "-c", "pass")
    report = run.report()
    assert report["verdict"] is None and report["pins"]
    # The resident set may have a row of them.
    lines = [line for line in run.report_text().splitlines()
             if "arena" in line and "audit" not in line and not line.startswith("Python, ")]
    # One of the head, one of its own.
    assert len(lines) == 2 and " free (" in lines[1]


def test_the_audit_has_one_line(trace, python):
    run = trace(python, PINNING, 30_000, 3)
    report = run.report()
    audit = report["audit"]
    assert (audit["differing"], audit["differing_arenas"], audit["differences"]) == (0, 0, [])
    assert (audit["blocks"], audit["arenas"]) == (report["arenas"]["blocks"], report["arenas"]["count"])
    assert audit["pause_seconds"] > 0 and run.report("--to", "main")["audit"] is None
    lines = [line for line in run.report_text().splitlines() if line.startswith("audit: ")]
    assert len(lines) == 1 and f"audit: {audit['blocks']:,} blocks in " in lines[0] and ", 0 differ (" in lines[0]


@pytest.mark.parametrize("code, audit, why", [
    ("import os; os._exit(0)", "end", "a process that leaves by _exit makes none"),
    ("import os; os.abort()", "end", "the process died before it was made"),
    ("pass", "off", "MEMTRACE_AUDIT=off"),
], ids=["_exit", "abort", "off"])
def test_no_audit_says_why(trace, any_python, code, audit, why):
    run = trace(any_python, "-c", code, env={"MEMTRACE_AUDIT": audit})
    report = run.report()
    assert (report["audit"], report["why_no_audit"]) == (None, why)
    assert f"no audit: {why}" in run.report_text().splitlines()


def test_malloc_has_no_arenas_and_says_so(trace, any_python):
    run = trace(any_python, "-c", "pass", env={"PYTHONMALLOC": "malloc"})
    report = run.report()
    assert report["arenas"]["count"] == 0 and report["pins"] == []
    assert "PYTHONMALLOC=malloc" in report["arenas"]["why_none"]
    assert f"no arenas at end: {report['arenas']['why_none']}" in run.report_text()


def test_a_c_heap_full_of_holes_is_found(trace, any_python):
    """Each block kept holds back at most itself and the rest of its pages."""
    program = "blocks = [bytes(3000) for _ in range(30000)]\nkept = blocks[::50]\ndel blocks\n"
    run = trace(any_python, "-c", program)
    report = run.report()
    verdict, heap = report["verdict"], report["c_heap"]
    assert verdict["kind"] == "fragmentation" and heap["allocator"] == "glibc"
    assert heap["free_bytes"] > 29_000 * 3000
    assert heap["bytes"] >= heap["free_bytes"] + 600 * 3000
    assert verdict["advice"] and all("malloc_trim(0)" in advice for advice in verdict["advice"])
    text = run.report_text()
    assert text.startswith("fragmentation: ") and "of the C heap" in text.splitlines()[0]
    # The arenas are as they should be: nothing is said of who holds them.
    assert "who holds them" not in text


def test_it_fits_eighty_columns(trace, any_python):
    run = trace(any_python, PINNING, 300_000, 3)
    text = run.report_text(COLUMNS="80")
    verdict, table = text[:text.index("\n\n")], text[text.index("  pinned  "):text.index("next: ")]
    assert "gives back" in verdict and "goes back" in table
    # Some paths are longer than a line.
    wide = [line for line in f"{verdict}\n{table}".splitlines() if len(line) > 80 and str(trace.work) not in line]
    assert not wide, wide


def test_what_a_mark_predicts_comes_true(trace, python, tmp_path):
    """Blocks that a mark says arenas are held by are freed after it: those arenas are gone at the end. The
    collections empty the interpreter's lists of spare objects, which hold arenas like live ones."""
    needs_plain_blocks(python)
    script = tmp_path / "thin.py"
    script.write_text(f"""import ctypes, gc
mark = getattr(ctypes.CDLL(None), "memtrace_mark", lambda name: None)
every = [(i, i, i) for i in range({COUNT})]
mark(b"full")
every = every[::100]
gc.collect()
mark(b"thin")
every = None
gc.collect()
""")
    run = trace(python, script)
    full, thin, end = (run.report("--to", name) for name in ("full", "thin", "end"))
    assert full["verdict"] is None
    assert thin["verdict"]["kind"] == "fragmentation" and thin["verdict"]["confidence"] == "medium"
    step = thin["release"][0]
    assert [thin["pins"][rank - 1]["line"] for rank in step["ranks"]] == [line_of(script, "every = [")]
    assert step["bytes"] > COUNT * 64 * 0.8
    # From 3.14 on a hundred spare ints stay all the same, and hold the arena that they lie in.
    spare = sum(pin["arenas"] for pin in end["pins"]
                if (pin["file"], pin["line"]) == (str(script), line_of(script, "every = [")))
    assert spare <= 1
    assert thin["arenas"]["count"] - end["arenas"]["count"] >= step["arenas"] - spare
    assert thin["pins_total"]["pinned_bytes"] + thin["pins_others"]["pinned_bytes"] == \
        thin["arenas"]["pinned_bytes"]
    assert "have no name at a mark" in run.report_text("--to", "thin")

"""Objects from the interpreter's free lists belong to the line that takes them, where it can tell."""

import re
import subprocess

import pytest
from conftest import BUILD, COMMAND, Profile, is_free_threaded, line_of, python_version

EVERY_INTERPRETER = True

FLOATS = """\
import os
NUMBERS = {n: list(range(n)) for n in (80, 90)}
def first():
    out = [None] * 90
    for i in NUMBERS[90]:
        out[i] = i * 1.5  # first
    return out
def second():
    out = [None] * 80
    for i in NUMBERS[80]:
        out[i] = i * 2.5  # second
    return out
BETWEEN
kept = first()
del kept
kept = second()
os._exit(0)
"""

# name: (what makes one, how many at the first line, at the second, the version that reuses them)
TYPES = {
    "float": ("i * 1.5", 90, 80, (3, 8)),
    "tuple": ("(i, i)", 90, 80, (3, 8)),
    "tuple of 20": ("(" + "i, " * 20 + ")", 90, 80, (3, 11)),
    "list": ("[]", 70, 60, (3, 8)),
    "dict": ("{}", 70, 60, (3, 8)),
    "slice": ("slice(i)", 1, 1, (3, 8)),
    "context": ("copy_context()", 90, 80, (3, 8)),
    "int": ("5000 + i", 90, 80, (3, 14)),
    "method": ("HOLDER.method", 15, 15, (3, 14)),
    "builtin method": ("TEXT.join", 12, 12, (3, 14)),
    "list iterator": ("iter(EMPTY)", 8, 8, (3, 14)),
    "tuple iterator": ("iter(())", 8, 8, (3, 14)),
    "range": ("range(i)", 4, 4, (3, 14)),
    "range iterator": ("iter(RANGE)", 4, 4, (3, 14)),
    "complex": ("i * 1j", 90, 80, (3, 15)),
}


@pytest.fixture
def version(python):
    return python_version(python)


@pytest.fixture
def tracked(python, version):
    """An interpreter that tells of the objects it makes."""
    if version < (3, 13):
        pytest.skip("CPython before 3.13 can't tell of objects from its free lists")
    if is_free_threaded(python):
        pytest.skip("without a GIL nobody may take the tracer of references alone")
    return python


@pytest.fixture
def bounded(python):
    """An interpreter of which it is known how much its free lists hold at most."""
    if is_free_threaded(python):
        pytest.skip("free-threaded builds have free lists for each thread: there is no bound")
    return python


def float_program(folder, between=""):
    script = folder / "floats.py"
    script.write_text(FLOATS.replace("BETWEEN", between))
    return script


def lines(run, script, *comments):
    return [run.line(script, line_of(script, f"# {comment}")) for comment in comments]


def test_the_taker_of_a_float_has_it(trace, tracked, tmp_path):
    script = float_program(tmp_path)
    run = trace(tracked, script, env={"MEMTRACE_REUSE": 1})
    first, second = lines(run, script, "first", "second")
    assert (second["count"], second["size_bytes"], second["total_count"]) == (80, 80 * 24, 80)
    # Ten are on the free list still, but for those that other code took.
    assert first["count"] <= 10
    assert first["total_count"] == 90


def test_without_the_switch_the_first_line_keeps_them(trace, python, tmp_path):
    script = float_program(tmp_path)
    run = trace(python, script)
    first, second = lines(run, script, "first", "second")
    assert second["count"] == 0
    assert 80 <= first["count"] <= 90


def types_program(folder):
    text = ["import os", "from contextvars import copy_context",
            "class Holder:", "    def method(self): pass",
            "HOLDER, TEXT, EMPTY, RANGE = Holder(), 'x', [], range(5)",
            "NUMBERS = {n: list(range(n)) for n in range(100)}"]
    calls = []
    for name, (make, first, second, _) in TYPES.items():
        for which, count in (("first", first), ("second", second)):
            function = f"{which}_{name.replace(' ', '_')}"
            text += [f"def {function}():",
                     f"    out = [None] * {count}",
                     f"    for i in NUMBERS[{count}]:",
                     f"        out[i] = {make}  # {which} {name}.",
                     "    return out"]
            calls += [f"kept = {function}()", "del kept"] if which == "first" else [
                f"kept_{function} = {function}()"]
    # In a function: a name of a module is in its dictionary, which would grow in between.
    text += ["def main():"] + ["    " + call for call in calls] + ["    os._exit(0)", "main()"]
    script = folder / "types.py"
    script.write_text("\n".join(text) + "\n")
    return script


@pytest.mark.parametrize("reuse", [0, 1])
def test_types_with_free_lists(trace, tracked, version, tmp_path, reuse):
    script = types_program(tmp_path)
    run = trace(tracked, script, env={"MEMTRACE_REUSE": reuse})
    wrong = []
    for name, (make, _, count, since) in TYPES.items():
        entry, = lines(run, script, f"second {name}.")
        # A call may leave the tuple of its arguments on its free list.
        most = count + 2 if make.endswith("i)") else count
        charged_to_first = version[:2] >= since and not reuse
        expected = range(count) if charged_to_first else range(count, most + 1)
        if entry["count"] not in expected:
            wrong.append((name, entry["count"], count))
    assert not wrong


def test_tracemalloc_takes_the_tracer_and_leaves_it(trace, tracked, tmp_path):
    script = float_program(tmp_path, "import ctypes, tracemalloc\n"
                                     "ask = ctypes.pythonapi.PyRefTracer_GetTracer\n"
                                     "ask.restype = ctypes.c_void_p\n"
                                     "data = ctypes.c_void_p()\n"
                                     "tracemalloc.start()\n"
                                     "taken = ask(ctypes.byref(data))\n"
                                     "tracemalloc.stop()\n"
                                     "print(ask(ctypes.byref(data)) != taken, flush=True)\n"
                                     "objects = [object() for _ in range(200)]\n")
    run = trace(tracked, script, env={"MEMTRACE_REUSE": 1})
    second, = lines(run, script, "second")
    # In 3.13.0 it stays in the slot when it stops, and nobody else's is replaced.
    assert run.stdout == "True\n" or python_version(tracked) == (3, 13, 0)
    assert second["count"] == (80 if run.stdout == "True\n" else 0)
    said = {record["key"]: record["value"] for record in run.section("INFO")}
    assert said["reuse"].startswith("in part: ")


def test_tracemalloc_keeps_what_it_took(trace, tracked, tmp_path):
    """Its own figures are those of a run without the library."""
    script = tmp_path / "traced.py"
    script.write_text("import tracemalloc\n"
                      "tracemalloc.start()\n"
                      "junk = [object() for _ in range(1000)]\n"
                      "kept = [i * 1.5 for i in range(90)]\n"
                      "del kept\n"
                      "kept = [i * 2.5 for i in range(80)]\n"
                      "stats = tracemalloc.take_snapshot().statistics('lineno')\n"
                      "print([(s.size, s.count) for s in stats if s.traceback[0].lineno == 6\n"
                      "       and s.traceback[0].filename == __file__])\n")
    trace(tracked, script, env={"MEMTRACE_REUSE": 1})


def test_totals_are_the_same_with_and_without_cancelling(trace, tracked, tmp_path):
    script = tmp_path / "pairs.py"
    script.write_text("def spin(n):\n"
                      "    for i in range(n):\n"
                      "        (i, n)  # pairs\n"
                      "        kept = i * 1.5  # floats\n"
                      "spin(20_000)\n")
    figures = []
    for events in ("off", "all"):
        run = trace(tracked, script, env={"MEMTRACE_REUSE": 1, "MEMTRACE_EVENTS": events})
        figures.append([(line["total_count"], line["total_bytes"])
                        for line in lines(run, script, "pairs", "floats")])
        for file in trace.out.iterdir():
            file.unlink()
    assert figures[0] == figures[1]
    assert figures[0][1] == (20_000, 20_000 * 24)


def test_every_block_used_again_is_live(trace, tracked, tmp_path):
    trace(tracked, types_program(tmp_path), env={"MEMTRACE_REUSE": 1, "MEMTRACE_EVENTS": "all"})
    journal, = trace.out.glob("*.journal.*")
    live, again, unknown = set(), 0, []
    for record in Profile(journal).dump():
        kind = record.get("kind", "")
        if kind in ("SMALL_OBJECT", "ALLOC_OBJECT"):
            live.add(record["address"])
        elif kind == "FREE":
            live.discard(record["address"])
        elif kind == "RETAG":
            again += 1
            if record["address"] not in live:
                unknown.append(record)
    assert again > 1000
    assert not unknown


def test_a_replay_is_the_same_run(trace, tracked, tmp_path):
    run = trace(tracked, types_program(tmp_path),
                env={"MEMTRACE_REUSE": 1, "MEMTRACE_EVENTS": "full"})
    journal, = trace.out.glob("*.journal.*")
    kinds = [record["kind"] for record in Profile(journal).dump() if record["section"] == "RECORD"]
    assert kinds.count("RETAG") > 200
    again = tmp_path / "again.memtrace"
    subprocess.run([BUILD / "memtrace-collector", "--replay", run.path, "--to", again], check=True)
    replayed = Profile(again)
    replayed.check()
    for name in ("SITE", "BLK", "NODE", "WIN"):
        assert replayed.section(name) == run.section(name)


def test_threads_reuse_what_others_left(trace, tracked, tmp_path):
    """Free lists are the interpreter's: a float that one thread dropped is another's next."""
    script = tmp_path / "threads.py"
    script.write_text("import os, threading\n"
                      "def first():\n"
                      "    kept = [i * 1.5 for i in range(90)]  # first\n"
                      "def second():\n"
                      "    global kept\n"
                      "    kept = [i * 2.5 for i in range(80)]  # second\n"
                      "for work in (first, second):\n"
                      "    thread = threading.Thread(target=work)\n"
                      "    thread.start()\n"
                      "    thread.join()\n"
                      "os._exit(0)\n")
    run = trace(tracked, script, env={"MEMTRACE_REUSE": 1})
    floats = [block for block in run.blocks().values() if block["bytes"] == 24
              and block["domain"] == "object" and run.chains()[block["stack"]]
              and run.chains()[block["stack"]][0][:1] == (str(script),)
              and run.chains()[block["stack"]][0][2] == line_of(script, "# second")]
    assert len(floats) == 80


@pytest.mark.parametrize("mode", ["debug", "malloc"])
def test_other_allocators(trace, tracked, tmp_path, mode):
    script = float_program(tmp_path)
    run = trace(tracked, script, env={"MEMTRACE_REUSE": 1, "PYTHONMALLOC": mode})
    first, second = lines(run, script, "first", "second")
    assert second["count"] == 80
    assert first["count"] <= 10


FILL = """\
import gc, os, sys
gc.disable()
def fill():
    kept = [[], {}, 1.5, 5000]
    for length in range(1, 21):
        kept += [tuple([0] * (length - 1) + [i]) for i in range(2100)]
    kept += [i * 1.5 for i in range(200)]
    kept += [[] for i in range(200)]
    kept += [{i: i} for i in range(200)]
    kept += [i * 5000 for i in range(200)]
fill()
sys._debugmallocstats()
os._exit(0)
"""


def test_the_bound_is_what_the_interpreter_keeps(trace, bounded, version, tmp_path):
    """Its own statistics, after more of everything died than it keeps."""
    script = tmp_path / "fill.py"
    script.write_text(FILL)
    run = trace(bounded, script, compare=False)
    held = 0
    for count, name, size in re.findall(r"^\s*(\d+) free (.*?) \* (\d+) bytes each", run.stderr,
                                        re.MULTILINE):
        count, size = int(count), int(size)
        if "Frame" in name:
            continue
        # From 3.15 on the collector's head is in the figure.
        head = 0 if "Float" in name or "Keys" in name or version >= (3, 15) else 16
        held += count * -(-(size + head) // 16) * 16
    said = run.report()["free_lists"]
    assert said["tracked"] is False
    assert said["most_bytes"] * 0.95 < held <= said["most_bytes"]


def test_what_stays_unknown_with_the_switch(trace, bounded, version, tmp_path):
    run = trace(bounded, float_program(tmp_path), env={"MEMTRACE_REUSE": 1})
    said = run.report()["free_lists"]
    assert said["tracked"] is (version >= (3, 13))
    assert (said["most_bytes"] < 30_000) is said["tracked"]


def test_the_report_names_the_switch(trace, bounded, version):
    run = trace(bounded, "-c", "kept = bytes(30 << 20)")
    done = subprocess.run([COMMAND, "report", run.path], check=True, capture_output=True, text=True)
    words = " ".join(done.stdout.split())
    assert ("MEMTRACE_REUSE=1 follows them" in words) is (version >= (3, 13))


@pytest.mark.parametrize("mebibytes, shown", [(0, False), (8, False), (30, True), (80, False)])
def test_the_report_says_it_where_it_matters(trace, any_python, tmp_path, mebibytes, shown):
    run = trace(any_python, "-c", f"kept = bytes({mebibytes} << 20)")
    done = subprocess.run([COMMAND, "report", run.path], check=True, capture_output=True, text=True)
    assert ("that Python keeps for reuse" in done.stdout) is shown

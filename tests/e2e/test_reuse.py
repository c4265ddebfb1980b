"""Objects from the interpreter's free lists belong to the line that takes them, where it can tell."""

import re
import subprocess

import pytest
from conftest import BUILD, Profile, is_free_threaded, line_of, python_version

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

# name: (what makes one from i, {first minor version: most that its free list holds from there on}).
# Not here: the value on its way out of an asynchronous generator, of which no program can hold two; the writers
# of a str and of bytes, and the collector's stack, which are no objects.
TYPES = {
    "object": ("object()", {}),
    "float": ("i * 1.5", {8: 100}),
    "complex": ("i * 1j", {15: 100}),
    "int": ("5000 + i", {14: 100}),
    "tuple of 1": ("(i,)", {8: 2000}),
    # 3.11 and 3.12 put it on its list and never take one from there.
    "tuple of 20": ("(" + "i, " * 20 + ")", {13: 2000}),
    "list": ("[]", {8: 80}),
    "dict": ("{}", {8: 80}),
    "dict and keys": ("{TEXT: i}", {8: 80}),
    "slice": ("slice(i)", {8: 1}),
    "context": ("copy_context()", {8: 255}),
    "method": ("HOLDER.method", {8: 256, 9: 0, 14: 20}),
    "builtin method": ("TEXT.join", {8: 256, 9: 0, 14: 16}),
    "list iterator": ("iter(EMPTY)", {14: 10}),
    "tuple iterator": ("iter(())", {14: 10}),
    "range": ("range(i)", {14: 6}),
    "range iterator": ("iter(RANGE)", {14: 6}),
    "future iterator": ("iter(FUTURE)", {8: 255}),
    "asend": ("GENERATOR.asend(i)", {8: 80}),
}
# A frame of its own before 3.11, and the list of frames is everybody's: far fewer than that holds.
GENERATOR_COUNT = 90
BEYOND = 10


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


SETTING = """\
import gc, os, sys, warnings
from contextvars import copy_context
gc.disable()
warnings.simplefilter("ignore")
class Holder:
    def method(self): pass
class Loop:
    def get_debug(self): return False
async def numbers():
    yield 1
def generator(i):
    yield i
HOLDER, TEXT, EMPTY, RANGE, GENERATOR = Holder(), "x", [], range(5), numbers()
NUMBERS = {n: list(range(n)) for n in SIZES}
COUNTS = memoryview(bytearray(16)).cast("q")
FRESH = {}
blocks = sys.getallocatedblocks
"""

# Everything that the loop needs is made before, so that nothing but what it makes changes the number of blocks.
# A count is stored as bytes: it is an int only for a moment.
MAKER = """\
def {which}_{name}(out=[None] * {count}, numbers=iter(NUMBERS[{count}]), counts=COUNTS):
    counts[0] = blocks()
    counts[0] = blocks()
    for i in numbers:
        out[i] = {make}  # {which} {name}.
    counts[1] = blocks()
    return out
"""


def all_makers():
    makers = {name.replace(" ", "_"): (make, max([0, *limits.values()]) + BEYOND)
              for name, (make, limits) in TYPES.items()}
    return {**makers, "generator": ("generator(i)", GENERATOR_COUNT)}


def few_makers():
    """Those of a few objects that need no module: for what reads each record of the run."""
    return {name: maker for name, maker in all_makers().items() if maker[1] < 200 and "FUTURE" not in maker[0]}


def types_program(folder, makers):
    """Of each type more than a free list holds, all dropped, and as many again."""
    sizes = sorted({count for _, count in makers.values()})
    text, calls = [SETTING.replace("SIZES", str(sizes))], []
    if "future_iterator" in makers:
        text += ["from _asyncio import Future", "FUTURE = Future(loop=Loop())"]
    for name, (make, count) in makers.items():
        text += [MAKER.format(which=which, name=name, make=make, count=count) for which in ("first", "second")]
        calls += [f"first_{name}().clear()", f"second_{name}()", f"FRESH['{name}'] = COUNTS[1] - COUNTS[0]"]
    # In a function: a name of a module is in its dictionary, which would grow in between.
    text += ["def main():", *("    " + call for call in calls), "main()",
             "for name in FRESH: print(name, FRESH[name], sep=':')", "sys.stdout.flush()", "os._exit(0)"]
    script = folder / "makers.py"
    script.write_text("\n".join(text) + "\n")
    return script


def free_list_limit(name, version):
    since = TYPES[name][1]
    return since[max(minor for minor in since if minor <= version[1])] if min(since, default=99) <= version[1] else 0


def blocks_each(name):
    return 2 if name == "dict and keys" else 1


def expected_fresh(python):
    """How many blocks the second makers had to ask for, by what the sources of each version say."""
    version = python_version(python)
    # One of the frames that the first generators had is the second maker's own.
    fresh = {"generator": GENERATOR_COUNT + (version < (3, 11))}
    for name in TYPES:
        key = name.replace(" ", "_")
        fresh[key] = blocks_each(name) * (all_makers()[key][1] - free_list_limit(name, version))
    # The module's own list: it came to the interpreter's, of which each thread has its own, in 3.14.
    if version < (3, 14) and is_free_threaded(python):
        fresh["future_iterator"] = all_makers()["future_iterator"][1]
    return fresh


def second_counts(run, script):
    found = {(entry["file"], entry["line"]): entry["count"] for entry in run.report()["growth"]}
    return {name: found.get((str(script), line_of(script, f"# second {name}.")), 0) for name in all_makers()}


def test_what_free_lists_keep(trace, python, tmp_path):
    """The interpreter's own number of blocks is the witness of what came from its free lists."""
    script = types_program(tmp_path, all_makers())
    run = trace(python, script, compare=False)
    fresh = {name: int(count) for name, count in (line.split(":") for line in run.stdout.splitlines())}
    assert fresh == expected_fresh(python)
    assert second_counts(run, script) == fresh


def test_the_taker_has_objects_of_every_type(trace, tracked, tmp_path):
    script = types_program(tmp_path, all_makers())
    run = trace(tracked, script, env={"MEMTRACE_REUSE": 1}, compare=False)
    expected = {name: count for name, (_, count) in all_makers().items()}
    # Keys are no objects: those that were kept stay where they were.
    expected["dict_and_keys"] += BEYOND
    assert second_counts(run, script) == expected


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
    assert run.info()["reuse"].startswith("in part: ")


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
    trace(tracked, types_program(tmp_path, few_makers()), env={"MEMTRACE_REUSE": 1, "MEMTRACE_EVENTS": "all"})
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
    assert again > 400
    assert not unknown


def test_a_replay_is_the_same_run(trace, tracked, tmp_path):
    run = trace(tracked, types_program(tmp_path, few_makers()),
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
    words = " ".join(run.report_text().split())
    assert ("MEMTRACE_REUSE=1 follows them" in words) is (version >= (3, 13))


def test_the_report_names_free_lists(trace, bounded):
    run = trace(bounded, "-c", "pass")
    said = re.search(r"free lists: Python keeps up to ([0-9.]+) MiB", run.report_text("--units", "iec"))
    most = run.report()["free_lists"]["most_bytes"]
    assert abs(float(said[1]) * 2**20 - most) <= 0.05 * 2**20

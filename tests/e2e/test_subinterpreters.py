"""Several interpreters in one process, sharing a GIL or with one each: stacks and books stay right."""

import pytest
from conftest import line_of, python_build, python_version

EVERY_INTERPRETER = True

INNER = """\
import sys
kept = []
def work():
    for i in range(rounds):
        block = bytes(10000)  # block
        kept.append(block)
        [str(n) * 3 for n in range(50)]  # short-lived
def run():
    work()  # call
run()
"""

FROM_C = """\
import ctypes
libc = ctypes.PyDLL(None)
libc.malloc.argtypes = [ctypes.c_size_t]
libc.malloc.restype = ctypes.c_void_p
def work():
    for i in range(rounds):
        libc.malloc(70001)  # block
work()
"""

OUTER = """\
import os, sys, threading
how, script, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
if sys.version_info >= (3, 13):
    import _interpreters as api
    create = lambda: api.create("legacy" if how == "shared" else "isolated")
else:
    import _xxsubinterpreters as api
    create = (lambda: api.create(isolated=how != "shared")) if sys.version_info >= (3, 12) else api.create
text = f"rounds = {rounds}\\nexec(compile(open({script!r}).read(), {script!r}, 'exec'))"

def start(interpreter):
    problem = api.run_string(interpreter, text)  # start
    if problem:
        sys.exit(f"in the interpreter: {problem}")

interpreters = [create() for _ in range(4)]
if how == "own":
    threads = [threading.Thread(target=start, args=(each,)) for each in interpreters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
else:
    for each in interpreters:
        start(each)
if len(sys.argv) > 4:
    for each in interpreters:
        api.destroy(each)
print("done")
sys.stdout.flush()
os._exit(0)
"""


@pytest.fixture
def inner(trace, python):
    """inner(text, how, rounds): the text in four interpreters at once, and the path it has."""

    def run(text, how, rounds, *more):
        script, outer = trace.work / "inner.py", trace.work / "outer.py"
        script.write_text(text)
        outer.write_text(OUTER)
        return trace(python, outer, how, script, rounds, *more), script

    return run


def chains_of(run, size):
    """How many live blocks of a size there are, by their whole stack."""
    chains, found = run.chains(), {}
    for record in run.blocks().values():
        if record["bytes"] == size:
            chain = chains[record["stack"]]
            found[chain] = found.get(chain, 0) + 1
    return found


def the_chain(run, size):
    found = chains_of(run, size)
    assert len(found) == 1, found
    return next(iter(found.items()))


def frames_of_inner(script, *functions):
    return [(str(script), function, line_of(script, "# " + text)) for function, text in functions]


@pytest.mark.parametrize("how", ["shared", "own"])
def test_stacks_begin_in_their_own_interpreter(inner, python, how):
    if how == "own" and python_version(python) < (3, 12):
        pytest.skip("interpreters with a GIL of their own came with CPython 3.12")
    run, script = inner(INNER, how, 200)
    chain, count = the_chain(run, 10_000 + python_build(python).empty_bytes)
    assert count == 4 * 200
    assert list(chain[:2]) == frames_of_inner(script, ("work", "block"), ("run", "call"))
    # Below them <module> and the text that was run; no frame of the interpreter that created it.
    assert "start" not in [function for _, function, _ in chain]
    assert len(chain) == 4


def test_blocks_go_with_their_interpreter(inner, python):
    run, script = inner(INNER, "shared", 200, "destroy")
    assert chains_of(run, 10_000 + python_build(python).empty_bytes) == {}
    assert run.line(script, line_of(script, "# block"))["total_count"] >= 800


@pytest.mark.hazard("the GIL")
def test_a_malloc_beside_the_hooks(inner):
    """Until 3.11 the thread's own state is that of the interpreter that created the others."""
    run, script = inner(FROM_C, "shared", 50)
    chain, count = the_chain(run, 70001)
    assert count == 4 * 50
    assert chain[0] == (str(script), "work", line_of(script, "# block"))

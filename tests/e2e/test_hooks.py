"""What the hooks do to a C program beside what they are called for: nothing.

The calls are in programs/hazards.c. `trace` compares what they print with what they print untraced.
"""

import collections
import subprocess

import pytest
from conftest import PROGRAMS

LOAD = "import ctypes, sys; hazards = ctypes.CDLL(sys.argv[1])\n"
LATE_BYTES, EARLY_BYTES = 7001, 7003
HANDLER_BYTES, HANDLER_BLOCKS, AFTERWARDS_BYTES, HANDLED = 3001, 64, 3011, 5000
CHILD_BYTES, SMALL_BYTES = 9001, 7013


@pytest.fixture(scope="module")
def hazards(tmp_path_factory):
    library = tmp_path_factory.mktemp("hazards") / "hazards.so"
    subprocess.run(["cc", "-D_GNU_SOURCE", "-O1", "-shared", "-fPIC", "-pthread", "-o", library,
                    PROGRAMS / "hazards.c"], check=True)
    return library


def sizes(run):
    """How many live blocks of malloc's there are of each size."""
    return collections.Counter(block["bytes"] for block in run.blocks().values() if block["domain"] == "malloc")


@pytest.mark.hazard("errno")
@pytest.mark.parametrize("environment", [{}, {"MEMTRACE_RING": "64KiB"}, {"MEMTRACE_AUDIT": "marks"}],
                         ids=["ordinary", "small ring", "audits"])
@pytest.mark.parametrize("where", ["here", "in_threads", "in_children"])
def test_errno(trace, any_python, hazards, where, environment):
    """Every hook, where it works and where it fails; in an old thread, a new thread, a new process."""
    run = trace(any_python, "-c", LOAD + f"hazards.errno_{where}()", hazards, env=environment)
    lines = run.stdout.splitlines()
    assert len(lines) > 40
    worked = [line for line in lines if line.endswith("errno 77")]
    assert len(worked) > 20 and len(worked) < len(lines)


@pytest.mark.hazard("thread exit")
def test_blocks_of_threads_that_have_ended(trace, python, hazards):
    """Destructors of a thread's keys run after its TLS is gone, in rounds; what they make is live."""
    run = trace(python, "-c", LOAD + "print(hazards.blocks_of_ended_threads(100))", hazards)
    live = sizes(run)
    assert live[LATE_BYTES] == int(run.stdout) >= 400
    # The last round's is never asked for again: one a thread.
    assert live[EARLY_BYTES] == 100


HANDLERS = """\
handled, ticks = hazards.handlers_done, []
hazards.handlers_begin()
while handled() < int(sys.argv[2]):
    # Small objects, which never reach malloc: a handler may call it wherever it interrupts this.
    for i in range(200):
        kept = [(i, float(i), str(i)) for _ in range(8)]
hazards.handlers_end()
hazards.handlers_forget()
"""


@pytest.mark.hazard("signals", "small stacks")
def test_signal_handlers_that_allocate(trace, python, hazards):
    """What comes in the middle of our own work is counted, nothing else is missing or too much."""
    run = trace(python, "-c", LOAD + HANDLERS, hazards, HANDLED, check=False)
    assert (run.status, run.stderr) == (0, "")
    record, live = run.run_record(), sizes(run)
    assert live[AFTERWARDS_BYTES] == HANDLER_BLOCKS, "recording is as before"
    # All of them were freed: what is shown are frees that were dropped.
    assert live[HANDLER_BYTES] + record["replaced"] <= record["dropped_events"]
    assert record["dropped_events"] < 2 * HANDLED, "none of theirs was recorded"


@pytest.mark.hazard("vfork and posix_spawn")
@pytest.mark.parametrize("program", ["", "/bin/true"], ids=["_exit", "exec"])
def test_what_a_vfork_child_takes_is_its_parents(trace, any_python, hazards, program):
    """It runs in its parent's memory: its blocks stay when it is gone, and its end isn't the parent's."""
    run = trace(any_python, "-c", LOAD +
                "for _ in range(10):\n"
                "    hazards.block_of_vfork(sys.argv[2].encode())\n"
                "kept = [bytes(467) for _ in range(1000)]\n"
                "print('done')\n", hazards, program)
    assert run.stdout == "done\n"
    assert sizes(run)[CHILD_BYTES] == 10
    assert run.report()["process"]["end"] == "exit"
    assert len(run.profiles()) == 1


@pytest.mark.hazard("small stacks")
@pytest.mark.parametrize("kib", [16, 32])
def test_small_stacks(trace, any_python, hazards, kib):
    """A thread's first event, a mark and a child's first event need no more of a stack than there may be."""
    run = trace(any_python, "-c", LOAD + "print(hazards.work_on_a_small_stack(int(sys.argv[2])))", hazards,
                kib << 10, env={"MEMTRACE_AUDIT": "marks"})
    assert run.stdout == "0\n"
    assert sorted(sizes(profile)[SMALL_BYTES] for profile in run.profiles()) == [1, 2]


SMALLEST = """\
import os, threading
threading.stack_size(32 << 10)
FILL, kept = b".", []
def work():
    kept.append(FILL * 5000)
    pid = os.fork()
    if not pid:
        kept.append(FILL * 5000)
        os._exit(0)
    print(os.waitpid(pid, 0)[1])
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


@pytest.mark.hazard("small stacks")
def test_smallest_stacks_of_python(trace, any_python):
    run = trace(any_python, "-c", SMALLEST)
    assert run.stdout == "0\n" and len(run.profiles()) == 2


@pytest.mark.hazard("atexit")
def test_allocations_after_the_end(trace, python, hazards):
    """Exit handlers and destructors that run after the tracer's end free what was made before it."""
    run = trace(python, "-c", LOAD + "hazards.allocate_at_the_end()", hazards)
    assert run.stdout == "at exit: some\nunloaded\n"

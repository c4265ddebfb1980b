"""What reaches a thread in the middle of an allocation: cancellation, signal handlers that make marks."""

import pytest
from conftest import shared_object


@pytest.fixture(scope="module")
def interrupts(tmp_path_factory):
    return shared_object(tmp_path_factory.mktemp("interrupts"), "interrupts.c", "-pthread")


@pytest.mark.hazard("signals")
def test_malloc_is_no_cancellation_point(trace, any_python, interrupts):
    """A small ring is full again and again; who waits for it can't be cancelled there."""
    run = trace(any_python, "-c",
                "import ctypes, sys\n"
                "interrupts = ctypes.CDLL(sys.argv[1])\n"
                "print(interrupts.cancelled_at_its_end(ctypes.c_long(2_000_000)))\n",
                interrupts, env={"MEMTRACE_RING": "64KiB"})
    assert run.stdout == "1\n"
    assert run.run_record()["allocations"] >= 2_000_000
    assert run.report()["process"]["waited_seconds"] > 0, "the ring was never full"


@pytest.mark.hazard("signals")
@pytest.mark.parametrize("paused", [False, True])
def test_marks_made_by_signal_handlers(trace, any_python, interrupts, paused):
    """The handler interrupts malloc, which may hold the locks that the C heap's figures need."""
    run = trace(any_python, "-c",
                "import ctypes, sys, threading, time\n"
                "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
                "libc = ctypes.CDLL(None)\n"
                "if sys.argv[2] == 'True' and hasattr(libc, 'memtrace_pause'):\n"
                "    libc.memtrace_pause()\n"
                "ctypes.CDLL(sys.argv[1]).marks_in_handlers(300)\n"
                "print('done')\n", interrupts, paused)
    assert run.stdout == "done\n"
    made = [mark for mark in run.report()["marks"] if mark["name"].startswith("tick")]
    assert made

"""While the interpreter finalises, threads that don't need it go on."""

import pytest
from conftest import shared_object

PROGRAM = """\
import ctypes, sys, threading, time, late
endless = ctypes.CDLL(sys.argv[1]).endless
def deep(n):
    deep(n - 1) if n else endless()
for _ in range(4):
    threading.Thread(target=deep, args=(20,), daemon=True).start()
time.sleep(0.2)
"""

# Goes with its module, after the thread states: it takes their memory and fills it.
LATE = """\
import ctypes, time
libc = ctypes.PyDLL(None)
malloc, memset = libc.malloc, libc.memset
malloc.restype = ctypes.c_void_p
memset.argtypes = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t
class Late:
    def __del__(self, malloc=malloc, memset=memset, sleep=time.sleep, print=print):
        for size in range(100, 1200, 8):
            for _ in range(8):
                memset(malloc(size), 0x41, size)
        sleep(0.05)
        print("late", flush=True)
late = Late()
"""


@pytest.mark.hazard("atexit")
def test_thread_states_are_freed_under_threads_in_c(trace, python, tmp_path):
    """A daemon thread that never comes back from C keeps its state's address when that is freed."""
    library = shared_object(tmp_path, "endless.c")
    (tmp_path / "late.py").write_text(LATE)
    script = tmp_path / "daemon.py"
    script.write_text(PROGRAM)
    run = trace(python, script, library)
    assert run.stdout == "late\n"
    assert run.report()["process"]["end"] == "exit"

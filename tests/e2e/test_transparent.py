"""The program can't tell that it is traced, unless it looks for the library."""

import subprocess

from conftest import python_version

FACTS = """\
import errno, os, pathlib, resource, signal, sys, threading
facts = {
    "descriptors": sorted(os.listdir("/proc/self/fd")),
    "environment": sorted(k for k in os.environ if k != "LD_PRELOAD" and not k.startswith("MEMTRACE_")),
    "threads": len(os.listdir("/proc/self/task")),
    "signals": [str(signal.getsignal(s)) for s in range(1, 32)],
    "caught": [line for line in pathlib.Path("/proc/self/status").read_text().splitlines()
               # SigQ counts what is queued for any process of the user.
               if line.startswith(("Sig", "Shd")) and not line.startswith("SigQ")],
    "limits": [resource.getrlimit(n) for n in range(10)],
    "umask": os.umask(0o22),
    "folder": os.getcwd(),
    "group": (os.getpgid(0) == os.getpgid(os.getppid()), os.getsid(0) == os.getsid(os.getppid())),
    "argv": sys.argv,
    "flags": str(sys.flags),
    "modules": sorted(sys.modules),
    "trace": (sys.gettrace(), sys.getprofile(), threading.active_count()),
}
try:
    print(os.waitpid(-1, os.WNOHANG))
except ChildProcessError:
    print("no child")
pid = os.fork()
if pid == 0:
    os._exit(5)
print(os.wait() == (pid, 5 << 8))
os.closerange(3, 256)
for key, value in facts.items():
    print(key, value)
print("to stderr", file=sys.stderr)
sys.exit(9)
"""


def test_nothing_is_different(trace, python, tmp_path):
    """`trace` itself compares output and status with those of the same program untraced."""
    script = tmp_path / "facts.py"
    script.write_text(FACTS)
    run = trace(python, script, "a", "b c", check=False)
    assert run.status == 9
    assert "no child" in run.stdout
    assert run.stderr == "to stderr\n"


def test_errno_survives(trace, python, tmp_path):
    script = tmp_path / "errno.py"
    script.write_text(
        "import ctypes\n"
        "c = ctypes.CDLL(None, use_errno=True)\n"
        "c.malloc.restype = ctypes.c_void_p\n"
        "c.free.argtypes = [ctypes.c_void_p]\n"
        "for n in (1, 100, 10000, 10 << 20):\n"
        "    ctypes.set_errno(77)\n"
        "    p = c.malloc(n)\n"
        "    print(ctypes.get_errno())\n"
        "    ctypes.set_errno(78)\n"
        "    c.free(p)\n"
        "    print(ctypes.get_errno())\n"
        "ctypes.set_errno(0)\n"
        "c.malloc(1 << 62)\n"
        "print(ctypes.get_errno())\n")
    run = trace(python, script)
    assert run.stdout.split()[:8] == ["77", "78"] * 4


def test_output_that_is_read_to_its_end(trace, python):
    """No descriptor of the program stays open in the collector: a reader of its output sees the end."""
    process = trace.start(python, "-c", "print(7)", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.communicate(timeout=30) == (b"7\n", b"")


def test_a_thousand_descriptors_can_be_closed(trace, python, tmp_path):
    """Programs close everything above 2; what the tracer needs isn't there."""
    script = tmp_path / "close.py"
    script.write_text("import os\n"
                      "os.closerange(3, 65536)\n"
                      "FILL, kept = b'.', [None] * 1000\n"
                      "for i in range(1000):\n"
                      "    kept[i] = FILL * 467\n"
                      "fd = os.open('mine', os.O_RDWR | os.O_CREAT)\n"
                      "os.write(fd, b'mine')\n"
                      "print(fd)\n")
    run = trace(python, script)
    assert (tmp_path / "mine").read_bytes() == b"mine"
    assert run.line(script, 5)["count"] == 1000


def test_signals_that_interrupt_everywhere(trace, python, tmp_path):
    """A handler runs between any two instructions of a hook and allocates."""
    script = tmp_path / "signals.py"
    script.write_text(
        "import signal, sys, os, time\n"
        "FILL, seen = b'.', [0]\n"
        "def handler(*args):\n"
        "    seen[0] += 1\n"
        "    [FILL * n for n in range(50)]\n"
        "signal.signal(signal.SIGALRM, handler)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)\n"
        "until = time.monotonic() + 1\n"
        "while time.monotonic() < until:\n"
        "    kept = [FILL * n for n in range(700)]\n"
        "signal.setitimer(signal.ITIMER_REAL, 0)\n"
        "os._exit(0 if seen[0] > 50 else 1)\n")
    run = trace(python, script)
    assert run.status == 0
    assert python_version(python) >= (3, 8)

"""The program can't tell that it is traced, unless it looks for the library."""

import ctypes
import json
import os
import pathlib
import resource
import signal
import subprocess

import pytest
from conftest import LIBRARY, clean_environment, find_profiles, is_free_threaded, line_of, python_build, python_version

PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, ADDR_NO_RANDOMIZE = 36, 38, 0x0040000

FACTS = """\
import ctypes, os, pathlib, platform, resource, signal, subprocess, sys, threading
libc = ctypes.CDLL(None, use_errno=True)
RT_SIGACTION, IOPRIO_GET = {"x86_64": (13, 252), "aarch64": (134, 31)}[platform.machine()]

def read(path):
    try:
        return pathlib.Path(path).read_text(errors="replace")
    except OSError as error:
        return f"errno {error.errno}"

def status():
    # What else there is counts pages, switches and what is queued for other processes.
    same = ("Umask", "Ngid", "TracerPid", "Uid", "Gid", "FDSize", "Groups", "Kthread", "Threads", "SigPnd",
            "ShdPnd", "SigBlk", "SigIgn", "SigCgt", "Cap", "NoNewPrivs", "Seccomp", "Speculation", "CoreDumping",
            "THP_enabled", "Cpus_allowed", "Mems_allowed", "VmLck", "VmPin")
    return [line for line in read("/proc/self/status").splitlines() if line.startswith(same)]

def descriptors():
    found = {}
    for fd in sorted(map(int, os.listdir("/proc/self/fd"))):
        try:
            found[fd] = [line for line in read(f"/proc/self/fdinfo/{fd}").splitlines() if line.startswith("flags")]
        except OSError:
            pass
    return found

def ours(name):
    return name == "LD_PRELOAD" or name.startswith("MEMTRACE_")

def without_ours(block):
    return [entry for entry in block.split("\\0") if not ours(entry.split("=")[0])]

def children():
    # As `ps --ppid` finds them, zombies too.
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            rest = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if rest[1] == str(os.getpid()):
            found.append(pid)
    return found

def prctl(option):
    value = ctypes.c_int(-1)
    return [libc.prctl(option, ctypes.byref(value), 0, 0, 0), value.value]

def dispositions():
    # struct sigaction of the kernel: handler, flags, restorer, mask
    found = []
    for number in range(1, 65):
        words = (ctypes.c_ulong * 4)()
        libc.syscall(RT_SIGACTION, number, None, words, 8)
        found.append((words[0] if words[0] < 2 else "a handler", hex(words[1]), hex(words[3])))
    return found

def stack():
    words = (ctypes.c_ulong * 3)()
    libc.sigaltstack(None, words)
    return bool(words[0]), words[1] & 0xffffffff, words[2]

facts = {
    "descriptors": descriptors(),
    "environment": sorted(k for k in os.environ if not ours(k)),
    "block": without_ours(read("/proc/self/environ")),
    "order": [k for k in os.environ if not ours(k)],
    "of a child": sorted(without_ours(subprocess.run(["env", "-0"], capture_output=True, text=True).stdout)),
    "argv": (sys.argv, sys.orig_argv if hasattr(sys, "orig_argv") else None, read("/proc/self/cmdline")),
    "name": (read("/proc/self/comm"), os.readlink("/proc/self/exe")),
    "folders": (os.getcwd(), os.readlink("/proc/self/cwd"), os.readlink("/proc/self/root")),
    "status": status(),
    "dispositions": dispositions(),
    "handlers": [str(signal.getsignal(s)) for s in range(1, 65)],
    "blocked": sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, []))),
    "pending": sorted(map(int, signal.sigpending())),
    "stack of signals": stack(),
    # What is left of a timer differs by the moment, as would its signal.
    "timers": ([(signal.getitimer(n)[0] > 0, signal.getitimer(n)[1]) for n in range(3)], read("/proc/self/timers"), read("/proc/self/timerslack_ns")),
    "limits": (read("/proc/self/limits"), [resource.getrlimit(n) for n in range(16)]),
    "umask": os.umask(0o22),
    "schedule": (os.sched_getscheduler(0), os.sched_getparam(0).sched_priority, sorted(os.sched_getaffinity(0)),
                 os.nice(0), os.getpriority(os.PRIO_PROCESS, 0), libc.syscall(IOPRIO_GET, 1, 0)),
    "memory": (read("/proc/self/oom_score_adj"), read("/proc/self/personality"), read("/proc/self/coredump_filter"),
               read("/proc/self/autogroup").split()[-1:]),
    "identity": (os.getresuid(), os.getresgid(), sorted(os.getgroups()), read("/proc/self/uid_map"),
                 read("/proc/self/loginuid")),
    "groups": (os.getpgid(0) == os.getpgid(os.getppid()), os.getsid(0) == os.getsid(os.getppid())),
    "places": (read("/proc/self/cgroup"),
               sorted(f"{n} {os.readlink('/proc/self/ns/' + n)}" for n in os.listdir("/proc/self/ns"))),
    "prctl": [prctl(n) for n in (2, 37, 3, 7, 21, 27, 30, 39, 42)],
    "threads": (len(os.listdir("/proc/self/task")), threading.active_count()),
    "children": (children(), [read(f"/proc/self/task/{t}/children") for t in os.listdir("/proc/self/task")]),
    "python": (str(sys.flags), sorted(sys.modules), sys.gettrace(), sys.getprofile(), sys.getrecursionlimit(),
               sys.getswitchinterval()),
    "monitoring": [sys.monitoring.get_tool(n) for n in range(6)] if hasattr(sys, "monitoring") else [],
    "error of the loader": libc.dlerror(),
    "errno": ctypes.get_errno(),
}
os.closerange(3, 256)
for key, value in facts.items():
    print(key, value)
pid = os.fork()
if pid == 0:
    os._exit(5)
try:
    print(os.wait() == (pid, 5 << 8))
except ChildProcessError:
    print("no child is left to wait for")
print("to stderr", file=sys.stderr)
sys.exit(9)
"""


@pytest.fixture
def facts(tmp_path):
    script = tmp_path / "facts.py"
    script.write_text(FACTS)
    return script


@pytest.mark.hazard("helper threads and collections of its own", "profilers and debuggers", "signals")
def test_nothing_is_different(trace, python, facts):
    """`trace` itself compares output and status with those of the same program untraced."""
    run = trace(python, facts, "a", "b c", check=False)
    assert run.status == 9
    assert "children ([], [''])" in run.stdout
    assert run.stderr == "to stderr\n"


def unusual_heritage():
    """What a program may have from whoever started it, each different from what is usual."""
    os.umask(0o27)
    os.setpriority(os.PRIO_PROCESS, 0, 3)
    resource.setrlimit(resource.RLIMIT_NOFILE, (99, 199))
    resource.setrlimit(resource.RLIMIT_STACK, (4 << 20, resource.RLIM_INFINITY))
    for name, value in ("oom_score_adj", "700"), ("coredump_filter", "0x13"), ("timerslack_ns", "60000"):
        pathlib.Path(f"/proc/self/{name}").write_text(value)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGTERM, signal.SIGPIPE])
    os.kill(os.getpid(), signal.SIGUSR1)
    os.kill(os.getpid(), signal.SIGTERM)
    signal.setitimer(signal.ITIMER_REAL, 3000, 7)
    signal.setitimer(signal.ITIMER_PROF, 3000, 5)
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    os.dup2(os.open("/dev/null", os.O_WRONLY | os.O_APPEND), 7, inheritable=True)
    os.chdir("/usr")
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.personality(ADDR_NO_RANDOMIZE)


@pytest.mark.hazard("helper threads and collections of its own")
def test_nor_is_an_unusual_heritage(trace, python, facts):
    """A SIGCHLD that is ignored, signals that are blocked and pending, limits, timers, priorities."""
    seen = []
    for environment in clean_environment(ODD=""), trace.environment(ODD=""):
        seen.append(subprocess.run([python, facts], env=environment, preexec_fn=unusual_heritage, close_fds=False,
                                   capture_output=True, text=True, timeout=120))
    bare, traced = ((done.returncode, done.stderr, done.stdout.splitlines()) for done in seen)
    assert traced == bare
    lines = dict(line.split(" ", 1) for line in traced[2] if " " in line)
    # Of what was set up some things are seen at least, or else this would prove nothing.
    assert lines["pending"] == f"[{signal.SIGUSR1.value}, {signal.SIGTERM.value}]"
    assert lines["umask"] == str(0o27)
    assert "no child is left to wait for" in traced[2]
    assert lines["folders"].startswith("('/usr'")
    assert find_profiles(trace.out)


def subreaper_without_zombies():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@pytest.mark.hazard("process 1 and subreapers")
@pytest.mark.parametrize("call", ["wait()", "waitpid(-1, 0)", "waitid(os.P_ALL, 0, os.WEXITED)"])
def test_a_wait_that_ends_with_the_last_child(trace, any_python, call):
    """Where SIGCHLD is ignored children leave nothing: the collector, a subreaper's child, isn't waited for."""
    code = ("import os, time\n"
            "if not os.fork():\n"
            "    time.sleep(0.3)\n"
            "    os._exit(5)\n"
            "try:\n"
            f"    print(os.{call})\n"
            "except ChildProcessError:\n"
            "    print('none')\n")
    for environment in clean_environment(), trace.environment():
        done = subprocess.run([any_python, "-c", code], env=environment, preexec_fn=subreaper_without_zombies,
                              capture_output=True, text=True, timeout=120)
        assert (done.returncode, done.stdout, done.stderr) == (0, "none\n", "")
    assert find_profiles(trace.out)


MAPS = """\
import json
names = {line.split(None, 5)[5].strip() for line in open("/proc/self/maps") if len(line.split(None, 5)) > 5}
print(json.dumps(sorted(names)))
"""


def test_what_is_mapped_besides(trace, python):
    """As the manual says: the library and the ring, and memory without a name."""
    seen = []
    for environment in clean_environment(), trace.environment():
        done = subprocess.run([python, "-c", MAPS], env=environment, capture_output=True, text=True, timeout=120)
        seen.append(set(json.loads(done.stdout)))
    bare, traced = seen
    assert bare <= traced
    assert traced - bare == {str(LIBRARY), str(trace.out / "run.memtrace.ring")}


@pytest.mark.hazard("a standard error that nobody reads")
def test_lines_nobody_reads(any_python, tmp_path):
    """What the library says on a stderr that is a broken pipe, or a full one, neither ends nor holds the program."""
    environment = clean_environment(LD_PRELOAD=LIBRARY, MEMTRACE_RING="nonsense",
                                    MEMTRACE_OUT=tmp_path / "r.memtrace")
    command = [any_python, "-c", "print(7)"]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert told.stdout == "7\n" and "MEMTRACE_RING=nonsense" in told.stderr
    for full in False, True:
        reader, writer = os.pipe()
        if full:
            os.set_blocking(writer, False)
            with pytest.raises(BlockingIOError):
                while True:
                    os.write(writer, bytes(1))
            os.set_blocking(writer, True)
        else:
            os.close(reader)
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=writer, timeout=60)
        assert (done.returncode, done.stdout) == (0, b"7\n")
        os.close(writer)
        if full:
            os.close(reader)


@pytest.mark.hazard("a standard error that nobody reads")
def test_a_file_at_its_limit(any_python, tmp_path):
    """What the library says to a stderr that may not grow doesn't bring SIGXFSZ."""
    log = tmp_path / "log"
    log.write_bytes(bytes(4096))
    with open(log, "ab") as file:
        done = subprocess.run([any_python, "-c", "print(7)"], stdout=subprocess.PIPE, stderr=file, timeout=60,
                              env=clean_environment(LD_PRELOAD=LIBRARY, MEMTRACE_RING="nonsense"),
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)))
    assert (done.returncode, done.stdout) == (0, b"7\n")
    assert log.stat().st_size == 4096


@pytest.mark.hazard("errno")
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


@pytest.mark.hazard("descriptors")
def test_output_that_is_read_to_its_end(trace, python):
    """No descriptor of the program stays open in the collector: a reader of its output sees the end."""
    process = trace.start(python, "-c", "print(7)", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.communicate(timeout=30) == (b"7\n", b"")


CLOSE = """\
import os, sys
FILL, kept = b'.', []
def work():
    for i in range(1000):
        kept.append(FILL * 467)  # kept
def close():
    os.closerange(3, 65536)
    fd = os.open("mine", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    os.write(fd, b"mine")
    print(fd, flush=True)
for step in sys.argv[1].split():
    globals()[step]()
    if step == "fork":
        break
if "fork" in sys.argv[1]:
    os._exit(0)
""".replace("def close", """def fork():
    pid = os.fork()
    work()
    if pid:
        os.waitpid(pid, 0)
def close""")


@pytest.mark.hazard("descriptors")
@pytest.mark.parametrize("steps, blocks", [("close work", [1000]), ("work close work", [2000]),
                                           ("work close fork", [2000, 2000])])
def test_a_thousand_descriptors_can_be_closed(trace, python, tmp_path, steps, blocks):
    """Programs close everything above 2, at once or late: what the tracer needs isn't there, nor in a child."""
    script = tmp_path / "close.py"
    script.write_text(CLOSE)
    run = trace(python, script, steps)
    assert run.stdout == "3\n"
    assert (tmp_path / "mine").read_bytes() == b"mine"
    line = line_of(script, "# kept")
    size = 467 + python_build(python).empty_bytes
    kept = []
    for profile in run.profiles():
        chains = profile.chains()
        kept.append(sum(chains[block["stack"]][:1] == ((str(script), "work", line),) and block["bytes"] == size
                        for block in profile.blocks().values()))
    assert kept == blocks


@pytest.mark.hazard("signals")
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


TOOLS = """\
import sys, threading
counts = {}
def count(kind):
    counts[kind] = counts.get(kind, 0) + 1
def work(n):
    return [str(i) for i in range(n)] and sum(map(len, map(str, range(n))))
def profile(frame, event, argument):
    if frame.f_code is work.__code__:
        count("profile " + event)
def trace(frame, event, argument):
    if frame.f_code is work.__code__:
        count("trace " + event)
        return trace
sys.setprofile(profile)
sys.settrace(trace)
for n in range(50):
    work(n)
sys.settrace(None)
sys.setprofile(None)
if hasattr(sys, "monitoring"):
    m = sys.monitoring
    for tool in range(6):
        m.use_tool_id(tool, f"tool {tool}")
        m.register_callback(tool, m.events.PY_START, lambda code, at, tool=tool: count(f"start {tool}"))
        m.set_local_events(tool, work.__code__, m.events.PY_START)
    for n in range(50):
        work(n)
print(sorted(counts.items()))
"""


@pytest.mark.hazard("profilers and debuggers")
def test_tools_of_the_interpreter_are_the_programs(trace, python, tmp_path):
    """Its tracer, its profiler and all six tools of sys.monitoring see what they see without us."""
    script = tmp_path / "tools.py"
    script.write_text(TOOLS)
    run = trace(python, script, check=False)
    assert "('profile call', 50)" in run.stdout and "('trace line', " in run.stdout
    assert python_version(python) < (3, 12) or "('start 5', 50)" in run.stdout


BLOCKS = """\
import gc, sys
FILL, kept = b".", []
before = sys.getallocatedblocks()
for i in range(2000):
    kept.append(FILL * (i % 700))
gc.collect()
print(sys.getallocatedblocks() - before, len(gc.get_objects()),
      [(one["collections"], one["collected"]) for one in gc.get_stats()])
"""


@pytest.mark.hazard("memory of its own", "the GIL")
def test_the_interpreter_has_as_many_blocks_as_without(trace, python):
    """By its own account: no object of ours is among them, no block, and no collection more."""
    if is_free_threaded(python):
        pytest.skip("a free-threaded build's threads exchange blocks: the count differs from run to run")
    seen = []
    traced = trace.environment()
    # Variables are objects, too: as many and as long ones. How many blocks there are at first differs by itself.
    bare = {name.replace("LD_PRELOAD", "NO_PRELOAD").replace("MEMTRACE_", "NOTTRACE_"): value
            for name, value in traced.items()}
    for environment in bare, traced:
        done = subprocess.run([python, "-c", BLOCKS], env=environment, cwd=trace.work, capture_output=True,
                              text=True, timeout=120)
        seen.append((done.returncode, done.stdout, done.stderr))
    assert seen[1] == seen[0]

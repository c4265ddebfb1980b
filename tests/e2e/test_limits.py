"""Limits, filters and places that a program puts itself under: HAZARDS "RLIMIT_FSIZE, RLIMIT_AS, mlockall,
seccomp, setuid or chroot after fork, no /proc". It behaves as it does without the library, and what could be
recorded is."""

import os
import resource
import shutil
import subprocess

import pytest
from conftest import BUILD, LIBRARY, Profile, clean_environment, find_profiles, line_of
from test_permissions import NOBODY, shared_folder

assert shared_folder
SECONDS = 300


def run(command, out=None, **more):
    traced = {"LD_PRELOAD": LIBRARY, "MEMTRACE_OUT": out} if out else {}
    return subprocess.run(list(map(str, command)), env=clean_environment(**traced), capture_output=True, text=True,
                          timeout=SECONDS, **more)


def outcome(done):
    return done.returncode, done.stdout, done.stderr


def same_with_and_without(command, out, **more):
    done = run(command, out, **more)
    assert outcome(done) == outcome(run(command, **more))
    return done


MUCH = """\
FILL, kept = b".", []
try:
    for i in range(400):
        kept.append(bytes(1 << 20))
    print("all of it")
except MemoryError:
    print("no more")
kept.clear()
kept.extend(FILL * 567 for i in range(3000))  # kept
print(len(kept))
"""


@pytest.mark.hazard("limits")
@pytest.mark.parametrize("mebibytes", [40, 100, 300])
@pytest.mark.parametrize("which", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_address_space(any_python, tmp_path, which, mebibytes):
    """A program that takes what it can get, meets the limit and goes on."""
    if "san" in BUILD.parts:
        pytest.skip("AddressSanitizer itself needs more address space than this: run without SAN=1")
    script, number, limit = tmp_path / "much.py", getattr(resource, which), mebibytes << 20
    script.write_text(MUCH)
    done = same_with_and_without([any_python, script], tmp_path / "r.memtrace",
                                 preexec_fn=lambda: resource.setrlimit(number, (limit, limit)))
    assert done.stdout == "no more\n3000\n"
    (path,) = find_profiles(tmp_path)
    profile = Profile(path)
    profile.check()
    assert profile.line(script, line_of(script, "# kept"))["count"] in (3000, 3001)


@pytest.mark.hazard("limits")
def test_soft_limits_are_the_programs(any_python, tmp_path):
    """Less than a profile may be in a file, and the collector takes longer than that: it takes them back."""
    script, limits = tmp_path / "limits.py", {"FSIZE": 200 << 10, "NOFILE": 5, "CPU": 1}
    script.write_text("import resource, signal\n"
                      "signal.signal(signal.SIGXCPU, signal.SIG_IGN)\n"
                      "FILL, kept = b'.', []\n"
                      "kept.extend([FILL * (600 + i % 1000) for i in range(200_000)])  # kept\n"
                      "print([resource.getrlimit(r)[0] for r in (resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE,"
                      " resource.RLIMIT_CPU)])\n")

    def lower():
        for name, limit in limits.items():
            number = getattr(resource, "RLIMIT_" + name)
            resource.setrlimit(number, (limit, resource.getrlimit(number)[1]))
    done = same_with_and_without([any_python, script], tmp_path / "r.memtrace", preexec_fn=lower)
    assert outcome(done) == (0, f"{list(limits.values())}\n", "")
    profile = Profile(tmp_path / "r.memtrace")
    assert profile.path.stat().st_size > limits["FSIZE"]
    profile.check()
    assert profile.line(script, line_of(script, "# kept"))["count"] >= 200_000


@pytest.mark.hazard("limits")
def test_number_of_processes(any_python, shared_folder):
    """Nobody may have another process: no collector, one line, and the program as ever."""
    command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "prlimit", "--nproc=1",
               any_python, "-c", "print(7)"]
    done = run(command, shared_folder / "r.memtrace", cwd="/")
    assert (done.returncode, done.stdout) == (0, "7\n")
    if not find_profiles(shared_folder):
        (line,) = done.stderr.splitlines()
        assert "Resource temporarily unavailable" in line and "the program runs untraced" in line
        assert list(shared_folder.iterdir()) == []


LOCKED = """\
import ctypes, sys
libc, FILL, names = ctypes.CDLL(None, use_errno=True), b".", {}
# Before: a compiler that gets no memory may fail in ways of its own.
for i in range(3000):
    exec(f"def f{i}(): return [{i}] * 100", names)
functions = [names[f"f{i}"] for i in range(3000)]
locked = libc.mlockall(int(sys.argv[1]))
kept = []
try:
    for function in functions:
        kept.append(FILL * 567)  # kept
        kept.append(function())
except MemoryError:
    kept.clear()
    print("no more")
print(locked, ctypes.get_errno())
"""


@pytest.mark.hazard("limits")
@pytest.mark.parametrize("flags", [1, 2, 3])
def test_memory_that_is_locked(any_python, tmp_path, flags):
    script = tmp_path / "locked.py"
    script.write_text(LOCKED)
    done = same_with_and_without([any_python, script, flags], tmp_path / "r.memtrace")
    assert done.returncode == 0
    profile = Profile(tmp_path / "r.memtrace")
    profile.check()
    assert profile.line(script, line_of(script, "# kept"))["count"] in (3000, 3001)


@pytest.mark.hazard("limits")
@pytest.mark.parametrize("flags", [2, 3])
def test_more_than_may_be_locked(any_python, shared_folder, flags):
    """With MCL_FUTURE every new mapping counts against the limit: it may be refused, and then it is to us as
    well. Then recording may end; the program must not."""
    script = shared_folder / "locked.py"
    script.write_text(LOCKED)
    command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "prlimit", "--memlock=1000000",
               any_python, script, flags]
    bare, done = run(command, cwd="/"), run(command, shared_folder / "r.memtrace", cwd="/")
    assert done.returncode == bare.returncode == 0
    assert done.stdout.splitlines()[-1] == bare.stdout.splitlines()[-1]
    assert len(done.stderr.splitlines()) <= 1
    for path in find_profiles(shared_folder):
        Profile(path).read_by_page()


# What the library may ask of the kernel and the program doesn't need: refused from the start, or from a moment on.
FILTER = """\
import ctypes, os, platform, struct, sys
NUMBERS = {"getrandom": 318, "pidfd_open": 434, "close_range": 436, "kill": 62, "nanosleep": 35, "setsid": 112,
           "fallocate": 285, "link": 86, "unlink": 87, "fchmod": 91, "uname": 63, "readlink": 89, "madvise": 28,
           "futex": 202, "prctl": 157, "dup2": 33, "statfs": 137, "fstatfs": 138, "wait4": 61, "tgkill": 234,
           "getppid": 110, "ppoll": 271, "open": 2, "openat": 257, "rename": 82, "fsync": 74, "fdatasync": 75,
           "flock": 73, "poll": 7, "ftruncate": 77, "clone": 56, "mincore": 27, "process_vm_readv": 310}
refused, action, *rest = sys.argv[1:]
numbers = [NUMBERS[name] for name in refused.split(",")]
action = {"EPERM": 0x00050000 | 1, "ENOSYS": 0x00050000 | 38}[action]
load, ret = struct.pack("<HBBI", 0x20, 0, 0, 0), lambda what: struct.pack("<HBBI", 0x06, 0, 0, what)
program = load
for at, number in enumerate(numbers):
    program += struct.pack("<HBBI", 0x15, len(numbers) - at, 0, number)
program += ret(0x7fff0000) + ret(action)
buffer = ctypes.create_string_buffer(program)
class Program(ctypes.Structure):
    _fields_ = [("count", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
filter = Program(len(program) // 8, ctypes.addressof(buffer))
libc = ctypes.CDLL(None, use_errno=True)
kept, FILL = [], b"."
kept.extend([FILL * 567 for i in range(1000)])  # before
if rest:
    os.environ.update(LD_PRELOAD=rest[0], MEMTRACE_OUT=rest[1])
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, ctypes.byref(filter)) == 0
if len(rest) > 2:
    os.execv(rest[2], rest[2:])
kept.extend([FILL * 567 for i in range(2000)])  # after
print(len(kept))
"""


def skip_without_filters():
    if os.uname().machine != "x86_64":
        pytest.skip("the filter has numbers of x86-64")


@pytest.mark.hazard("limits")
@pytest.mark.parametrize("action", ["EPERM", "ENOSYS"])
@pytest.mark.parametrize("refused", [
    "kill,setsid,getppid,uname,getrandom", "open,openat,readlink", "futex,wait4,poll,ppoll", "nanosleep,madvise,mincore",
])
def test_calls_refused_from_a_moment_on(any_python, tmp_path, refused, action):
    """As a server does when it has everything that it needs. The collector has no filter."""
    skip_without_filters()
    script = tmp_path / "filter.py"
    script.write_text(FILTER)
    done = same_with_and_without([any_python, script, refused, action], tmp_path / "r.memtrace")
    assert outcome(done) == (0, "3000\n", "")
    profile = Profile(tmp_path / "r.memtrace")
    profile.check()
    assert profile.line(script, line_of(script, "# before"))["count"] in (1000, 1001)
    assert profile.line(script, line_of(script, "# after"))["count"] in (2000, 2001)


INSIDE = "FILL, kept = b'.', []\nkept.extend([FILL * 567 for i in range(2000)])\nprint(len(kept))"


@pytest.mark.hazard("limits")
@pytest.mark.parametrize("action", ["EPERM", "ENOSYS"])
@pytest.mark.parametrize("refused, traced", [
    ("pidfd_open,close_range,getrandom,fchmod,setsid,uname,prctl,fstatfs,statfs,fsync", True),
    ("kill,madvise,process_vm_readv,mincore,wait4,ppoll,link", True),
    ("fallocate", None), ("flock", None), ("rename", None), ("dup2,poll", None), ("ftruncate,unlink", None),
])
def test_calls_refused_from_the_start(any_python, tmp_path, refused, traced, action):
    """To the program and to its collector, as in a container with a narrow profile of its own."""
    skip_without_filters()
    script = tmp_path / "filter.py"
    script.write_text(FILTER)
    command = [any_python, script, refused, action, LIBRARY, tmp_path / "r.memtrace", any_python, "-c", INSIDE]
    done = run(command)
    assert (done.returncode, done.stdout) == (0, "2000\n"), done.stderr
    assert len(done.stderr.splitlines()) <= 1
    if traced:
        assert done.stderr == ""
        profile = Profile(tmp_path / "r.memtrace")
        profile.check()
        assert profile.line("<string>", 2)["count"] >= 2000


FORKS = """\
import os, sys
FILL, kept = b".", []
what, where = sys.argv[1:]
kept.extend([FILL * 567 for i in range(1000)])  # before
if what == "setuid":
    os.setgid(65534)
    os.setuid(65534)
elif what == "chroot":
    os.chroot(where)
    os.chdir("/")
for number in range(3):
    if os.fork() == 0:
        kept.extend([FILL * 567 for i in range(100)])
        os._exit(number)
    print(os.waitstatus_to_exitcode(os.wait()[1]) if hasattr(os, "waitstatus_to_exitcode") else number)
kept.extend([FILL * 567 for i in range(500)])  # after
print(len(kept))
"""


@pytest.mark.hazard("limits")
@pytest.mark.parametrize("what", ["setuid", "chroot"])
def test_children_that_can_write_nowhere(any_python, tmp_path, what):
    """The parent has all of its own. That its children can't be traced is said once, where it isn't told as
    what always comes with another user."""
    if os.getuid() != 0:
        pytest.skip(f"{what} takes root: run it as root")
    script, jail, out = tmp_path / "forks.py", tmp_path / "jail", tmp_path / "out"
    script.write_text(FORKS)
    jail.mkdir()
    out.mkdir(mode=0o700)
    command = [any_python, script, what, jail]
    done, bare = run(command, out / "r.memtrace"), run(command)
    assert (done.returncode, done.stdout) == (bare.returncode, bare.stdout) == (0, "0\n1\n2\n1500\n")
    if what == "chroot":
        (line,) = done.stderr.splitlines()
        assert "a forked process can't write beside" in line and "untraced" in line
    else:
        assert done.stderr == ""
    assert [path.name for path in out.iterdir()] == ["r.memtrace"] and list(jail.iterdir()) == []
    profile = Profile(out / "r.memtrace")
    profile.check()
    assert profile.line(script, line_of(script, "# before"))["count"] in (1000, 1001)
    assert profile.line(script, line_of(script, "# after"))["count"] in (500, 501)


@pytest.mark.hazard("limits")
@pytest.mark.parametrize("journal", ["64KiB", "256MiB"])
def test_without_proc(any_python, tmp_path, journal):
    """Neither the program nor its collector can look anything up there: it isn't taken for dead."""
    if os.getuid() != 0 or not shutil.which("unshare") or run(["unshare", "-m", "true"]).returncode:
        pytest.skip("taking /proc away needs a mount namespace: run it as root")
    script = tmp_path / "noproc.py"
    script.write_text("import os, time\nassert not os.path.exists('/proc/self')\nFILL, kept = b'.', []\n"
                      "for i in range(30):\n"
                      "    kept.extend([FILL * 567 for i in range(1000)])  # kept\n"
                      "    time.sleep(0.02)\nprint(len(kept))\n")
    done = subprocess.run(["unshare", "-m", "sh", "-c", 'umount -l /proc && exec "$@"', "sh", any_python, script],
                          env=clean_environment(MEMTRACE_OUT=tmp_path / "r.memtrace", MEMTRACE_JOURNAL=journal,
                                                LD_PRELOAD=LIBRARY), capture_output=True, text=True, timeout=SECONDS)
    assert outcome(done) == (0, "30000\n", "")
    profile = Profile(tmp_path / "r.memtrace")
    assert profile.run_record()["crash_safe_until_ms"] is None, "it had no checkpoints"
    profile.check()
    assert profile.line(script, line_of(script, "# kept"))["count"] >= 30_000

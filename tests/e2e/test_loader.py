"""What the loader may be asked for around the library: other allocators, sanitizers, namespaces, privileges."""

import collections
import glob
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

import pytest
from conftest import (BUILD, COMMAND, LIBRARY, ROOT, Profile, clean_environment, find_profiles, line_of,
                      python_build)
from test_hazards import collector_of

SCRIPT = ROOT / "samples/growing_list.py"
LEAK = line_of(SCRIPT, "# leaks")
BLOCKS, BLOCK = 3000, 967
SECONDS = 300
# Of struct ring_header in memtrace-stream(5).
PID_OFFSET = 56


def leak_of(run, python):
    """(blocks, bytes) of the sample's line, which are to be (3000, 3000 times 1000)."""
    entry = run.line(SCRIPT, LEAK)
    return entry["count"], entry["size_bytes"] - BLOCKS * (BLOCK + python_build(python).empty_bytes)


def doubts_of(run):
    return " ".join(run.report()["doubts"])


def live_sizes(run):
    return collections.Counter(block["bytes"] for block in run.blocks().values())


# Debian's libjemalloc2, libmimalloc2.0, libtcmalloc-minimal4.
ALLOCATORS = {"jemalloc": "libjemalloc.so.2", "mimalloc": "libmimalloc.so.2", "tcmalloc": "libtcmalloc_minimal.so.4"}


def allocator(name):
    found = sorted(glob.glob(f"/usr/lib/*/{ALLOCATORS[name]}"))
    if not found:
        pytest.skip(f"no {ALLOCATORS[name]} on this system: scripts/deps check")
    return found[0]


@pytest.mark.hazard("missing hooks")
@pytest.mark.parametrize("name", ALLOCATORS)
def test_allocator_behind_us(trace, python, name):
    """It serves malloc, and nothing is missing."""
    run = trace(python, SCRIPT, BLOCKS, env={"LD_PRELOAD": f"{LIBRARY}:{allocator(name)}"}, compare=False)
    assert (run.status, run.stderr) == (0, "")
    assert leak_of(run, python) == (BLOCKS, 0)
    assert doubts_of(run) == ""


@pytest.mark.hazard("missing hooks")
@pytest.mark.parametrize("threads", [1, 8])
@pytest.mark.parametrize("name", ALLOCATORS)
def test_allocator_behind_us_under_threads(trace, any_python, tmp_path, name, threads):
    """Blocks larger than pools serve, made by one thread and freed by another, with small ones in between."""
    script = tmp_path / "threads.py"
    script.write_text("import queue, sys, threading\n"
                      "FILL, kept, given = b'.', [], queue.SimpleQueue()\n"
                      "def work(n):\n"
                      "    for i in range(1000):\n"
                      "        given.put(FILL * (600 + i % 4000))  # given\n"
                      "        if i % 2: given.get()\n"
                      "    kept.append([FILL * 5000 for _ in range(50)])  # kept\n"
                      "ts = [threading.Thread(target=work, args=(n,)) for n in range(int(sys.argv[1]))]\n"
                      "for t in ts: t.start()\n"
                      "for t in ts: t.join()\n"
                      "while not given.empty(): given.get()\n"
                      "import os; os._exit(0)\n")
    run = trace(any_python, script, threads, env={"LD_PRELOAD": f"{LIBRARY}:{allocator(name)}"}, compare=False)
    size = 5000 + python_build(any_python).empty_bytes
    chains = run.chains()
    lines = collections.Counter(chains[block["stack"]][:1] for block in run.blocks().values()
                                if block["domain"] == "malloc" and block["bytes"] >= 600)
    assert lines[((str(script), "work", line_of(script, "# given")),)] == 0
    assert live_sizes(run)[size] == 50 * threads


@pytest.mark.hazard("another malloc in front", "missing hooks")
@pytest.mark.parametrize("name", ALLOCATORS)
def test_allocator_in_front_of_us_is_told(trace, any_python, name):
    path = allocator(name)
    run = trace(any_python, SCRIPT, BLOCKS, env={"LD_PRELOAD": f"{path}:{LIBRARY}"}, compare=False)
    assert (run.status, run.stderr) == (0, "")
    assert f"calls of malloc went to {path}" in doubts_of(run)
    # Of Python's own hooks nothing is missing.
    assert leak_of(run, any_python) == (BLOCKS, 0)


@pytest.mark.hazard("allocator hooks that are replaced", "missing hooks")
@pytest.mark.parametrize("variables", [{}, {"PYTHONMALLOC": "debug"}, {"PYTHONMALLOC": "default"}],
                         ids=["ordinary", "debug", "default"])
def test_slots_are_looked_after_without_malloc(trace, any_python, variables):
    """Named allocators are put over our hooks at start, which the next malloc notices where it comes to us."""
    run = trace(any_python, SCRIPT, BLOCKS, compare=False,
                env={"LD_PRELOAD": f"{allocator('jemalloc')}:{LIBRARY}", **variables})
    assert leak_of(run, any_python) == (BLOCKS, 0)


VALGRIND = ["valgrind", "--quiet", "--error-exitcode=9"]


@pytest.fixture
def under_valgrind(any_python, tmp_path):
    """run(option...): (status, errors that valgrind found, profile's report)."""
    if not shutil.which("valgrind"):
        pytest.skip("no valgrind: scripts/deps check")
    # It doesn't follow a script that stands for an interpreter.
    real = os.path.realpath(any_python)

    def run(*options, **more):
        done = subprocess.run([*VALGRIND, *options, real, SCRIPT, "1000"], capture_output=True, text=True,
                              timeout=SECONDS, env=clean_environment(
                                  LD_PRELOAD=LIBRARY, MEMTRACE_OUT=tmp_path / "r.memtrace", **more))
        (path,) = find_profiles(tmp_path)
        return done, Profile(path)
    return run


@pytest.mark.hazard("another malloc in front")
def test_valgrind(under_valgrind):
    """It takes every malloc itself, which is told; it finds nothing to complain of in us."""
    done, profile = under_valgrind(PYTHONMALLOC="malloc")
    assert (done.returncode, done.stdout, done.stderr) == (0, "expected: 1000 blocks, 1000000 bytes\n", "")
    assert "calls of malloc went to valgrind" in doubts_of(profile)


@pytest.mark.hazard("another malloc in front", "memory of its own")
def test_valgrind_that_leaves_us_our_malloc(under_valgrind):
    """With the option that the manual names."""
    option = "--soname-synonyms=somalloc=nouserintercepts"
    assert option[2:] in (ROOT / "man/libmemtrace.7").read_text()
    done, profile = under_valgrind(option, PYTHONMALLOC="malloc")
    assert (done.returncode, done.stdout, done.stderr) == (0, "expected: 1000 blocks, 1000000 bytes\n", "")
    assert doubts_of(profile) == ""
    entry = profile.line(SCRIPT, LEAK)
    assert (entry["count"], entry["size_bytes"]) == (1000, 1_000_000)


def compiled(folder, source, *flags):
    """A program, or a skip where the compiler lacks something."""
    (folder / "program.c").write_text(source)
    done = subprocess.run(["cc", "-o", folder / "program", folder / "program.c", *flags], capture_output=True,
                          text=True)
    if done.returncode:
        pytest.skip(f"can't be compiled here: {done.stderr.splitlines()[-1]}")
    return folder / "program"


PUTS = '#include <stdio.h>\n#include <stdlib.h>\nint main(void) { free(malloc(9)); return puts("7") < 0; }\n'


@pytest.mark.hazard("another malloc in front")
def test_program_built_with_address_sanitizer(tmp_path):
    """It ends where another library comes first: the command leaves it alone, and says so."""
    program = compiled(tmp_path, PUTS, "-fsanitize=address")
    bare = subprocess.run([program], env=clean_environment(), capture_output=True, text=True, timeout=60)
    if bare.returncode:
        pytest.skip(f"AddressSanitizer doesn't run here: {bare.stderr.splitlines()[0]}")
    done = subprocess.run([COMMAND, "run", program], env=clean_environment(), cwd=tmp_path, capture_output=True,
                          text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "7\n")
    assert f"{program} is built with AddressSanitizer" in done.stderr.splitlines()[0]
    told = subprocess.run([COMMAND, "doctor", "--", program], env=clean_environment(), capture_output=True,
                          text=True, timeout=60)
    assert told.returncode == 1 and "AddressSanitizer" in told.stdout


@pytest.mark.hazard("another malloc in front")
def test_address_sanitizer_that_is_preloaded(any_python, tmp_path):
    """For an extension module that was built with it: it stays in front, as it must."""
    if "san" in BUILD.parts:
        pytest.skip("the command has an AddressSanitizer of its own here: run without SAN=1")
    path = os.path.realpath(subprocess.run(["cc", "-print-file-name=libasan.so"], capture_output=True,
                                           text=True).stdout.strip())
    if not os.path.exists(path):
        pytest.skip("no libasan: apt-get install libgcc-12-dev")
    done = subprocess.run([COMMAND, "run", "-o", tmp_path / "r.memtrace", any_python, SCRIPT, str(BLOCKS)],
                          env=clean_environment(LD_PRELOAD=path, ASAN_OPTIONS="detect_leaks=0"),
                          capture_output=True, text=True, timeout=SECONDS)
    assert (done.returncode, done.stdout) == (0, f"expected: {BLOCKS} blocks, {BLOCKS * 1000} bytes\n")
    (profile,) = find_profiles(tmp_path)
    told = subprocess.run([COMMAND, "report", profile], env=clean_environment(), capture_output=True, text=True)
    assert f"calls of malloc went to {path}" in told.stdout + told.stderr


MODULE = """\
#include <stdlib.h>
void *take(size_t bytes) { return malloc(bytes); }
void give_back(void *block) { free(block); }
"""


@pytest.fixture
def module(tmp_path):
    source, library = tmp_path / "module.c", tmp_path / "module.so"
    source.write_text(MODULE)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    return library


CALL = """\
import ctypes, os, sys
P = ctypes.c_void_p
{load}
take.restype, take.argtypes, give_back.argtypes, give_back.restype = P, [ctypes.c_size_t], [P], None
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = P, [P]
blocks = [take(7001) for _ in range(100)]
{end}
kept = [libc.malloc(7003) for _ in range(100)]
print(len(kept))
"""


@pytest.mark.hazard("other namespaces")
@pytest.mark.parametrize("freed_by", ["itself", "others"])
def test_deep_binding(trace, python, module, freed_by):
    """Its malloc is the C library's wherever we stand: what others free of it was never seen."""
    load = ("library = ctypes.CDLL(sys.argv[1], mode=os.RTLD_NOW | os.RTLD_DEEPBIND)\n"
            "take, give_back = library.take, library.give_back")
    end = {"itself": "for b in blocks: give_back(b)", "others": "for b in blocks: libc.free(b)"}[freed_by]
    run = trace(python, "-c", CALL.format(load=load, end=end), module)
    assert live_sizes(run)[7003] == 100 and live_sizes(run)[7001] == 0
    assert f"{module} was loaded with RTLD_DEEPBIND" in doubts_of(run)
    assert int(run.run_record()["unknown_frees"]) >= (100 if freed_by == "others" else 0)


@pytest.mark.hazard("other namespaces")
def test_another_namespace(trace, python, module):
    """dlmopen brings another C library, whose heap is none of ours."""
    load = ("dl = ctypes.CDLL(None)\n"
            "dl.dlmopen.restype, dl.dlmopen.argtypes = P, [ctypes.c_long, ctypes.c_char_p, ctypes.c_int]\n"
            "dl.dlsym.restype, dl.dlsym.argtypes = P, [P, ctypes.c_char_p]\n"
            "handle = dl.dlmopen(-1, sys.argv[1].encode(), 2)\n"
            "assert handle\n"
            "take = ctypes.CFUNCTYPE(P, ctypes.c_size_t)(dl.dlsym(handle, b'take'))\n"
            "give_back = ctypes.CFUNCTYPE(None, P)(dl.dlsym(handle, b'give_back'))")
    run = trace(python, "-c", CALL.format(load=load, end="for b in blocks: give_back(b)"), module)
    assert live_sizes(run)[7003] == 100 and live_sizes(run)[7001] == 0


@pytest.mark.hazard("dlsym allocates")
def test_everything_bound_at_once(trace, python):
    """dlsym before anything else is known: what it takes from us then comes from the bootstrap pool."""
    run = trace(python, SCRIPT, BLOCKS, env={"LD_BIND_NOW": "1"})
    assert leak_of(run, python) == (BLOCKS, 0)


@pytest.fixture
def open_folder():
    """Where another user may run programs: pytest's folders are closed."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        os.chmod(folder, 0o777)
        yield pathlib.Path(folder)


@pytest.mark.hazard("nothing can be loaded")
@pytest.mark.parametrize("bits", [0o4755, 0o2755], ids=["setuid", "setgid"])
def test_raised_privileges(open_folder, bits):
    """The loader ignores us, the program is as without us, and the command says why there is no profile."""
    if os.getuid():
        pytest.skip("giving a program to another user takes root: run it as root")
    nobody = pwd.getpwnam("nobody")
    program = open_folder / "python"
    shutil.copy(os.path.realpath("/usr/bin/python3"), program)
    program.chmod(bits)
    # The command has to be where nobody can reach it.
    tools = open_folder / "tools"
    tools.mkdir(mode=0o755)
    for part in "memtrace", "libmemtrace.so", "memtrace-collector":
        shutil.copy(BUILD / part, tools / part)
    code = "import os; print(os.geteuid(), os.getegid())"

    def as_nobody(*command, **more):
        return subprocess.run([*map(str, command)], user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[],
                              cwd=open_folder, capture_output=True, text=True, timeout=60,
                              env=clean_environment(HOME=open_folder, TMPDIR=open_folder, **more))

    bare = as_nobody(program, "-c", code)
    if "0" not in bare.stdout.split():
        pytest.skip("file systems here give no privileges (nosuid): run it elsewhere")
    traced = as_nobody(program, "-c", code, LD_PRELOAD=tools / "libmemtrace.so")
    assert (traced.returncode, traced.stdout) == (bare.returncode, bare.stdout)
    assert find_profiles(open_folder) == []
    done = as_nobody(tools / "memtrace", "run", program, "-c", code)
    assert (done.returncode, done.stdout) == (bare.returncode, bare.stdout)
    assert f"{program} is setuid, setgid or has file capabilities" in done.stderr
    assert find_profiles(open_folder) == []


@pytest.mark.hazard("nothing can be loaded")
def test_library_that_cannot_be_loaded_is_noticed(tmp_path):
    """The loader says one line at most and goes on: that there is no profile must not go unseen."""
    done = subprocess.run([COMMAND, "run", "/bin/true"], env=clean_environment(), cwd=tmp_path,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "no profile: /bin/true ran no Python that can be traced" in done.stderr


@pytest.mark.hazard("two copies of the library")
def test_two_copies_of_the_library(any_python, tmp_path):
    """An installed one beside another: the first one traces, they don't wrap each other."""
    folder, out = tmp_path / "copy", tmp_path / "out"
    for made in folder, out:
        made.mkdir()
    for part in "libmemtrace.so", "memtrace-collector":
        shutil.copy(BUILD / part, folder / part)
    environment = clean_environment(LD_PRELOAD=f"{LIBRARY}:{folder / 'libmemtrace.so'}",
                                    MEMTRACE_OUT=out / "r.memtrace")
    done = subprocess.run([any_python, SCRIPT, str(BLOCKS)], env=environment, capture_output=True, text=True,
                          timeout=SECONDS)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"expected: {BLOCKS} blocks, {BLOCKS * 1000} bytes\n", "")
    (profile,) = map(Profile, find_profiles(out))
    assert leak_of(profile, any_python) == (BLOCKS, 0)


CHURN = """\
import _ctypes, ctypes, sys, threading
FILL, stop = b".", threading.Event()
def load(path):
    for _ in range(300):
        handle = _ctypes.dlopen(path, 2)
        _ctypes.dlclose(handle)
def allocate():
    while not stop.is_set():
        kept = [FILL * n for n in range(500, 900)]
def throw():
    while not stop.is_set():
        ctypes.CDLL(None).malloc.argtypes = [ctypes.c_size_t]
others = [threading.Thread(target=work) for work in (allocate, allocate, throw)]
loaders = [threading.Thread(target=load, args=(path,)) for path in sys.argv[1:]]
for thread in others + loaders: thread.start()
for thread in loaders: thread.join()
stop.set()
for thread in others: thread.join()
print("done")
"""

PLUGIN = """\
#include <stdlib.h>
static void *volatile kept;
__attribute__((constructor)) static void begin(void) { kept = malloc(7001); free(malloc(7003)); }
__attribute__((destructor)) static void end(void) { free(kept); }
"""


@pytest.mark.hazard("the loader's lock")
def test_loading_and_unloading_while_others_allocate(trace, python, tmp_path):
    """Modules that allocate as they are loaded and unloaded, under the loader's lock: nobody waits for another."""
    source, script, plugins = tmp_path / "plugin.c", tmp_path / "churn.py", []
    source.write_text(PLUGIN)
    script.write_text(CHURN)
    for number in range(3):
        plugins.append(tmp_path / f"plugin{number}.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", plugins[-1], source], check=True)
    run = trace(python, script, *plugins)
    assert run.stdout == "done\n"
    assert live_sizes(run)[7001] == 0 and live_sizes(run)[7003] == 0


# By statfs.f_type: those that can't be made here are told to be there.
FILE_SYSTEMS = {"btrfs": (0x9123683e, "copy-on-write"), "zfs": (0x2fc12fc1, "copy-on-write"),
                "nfs": (0x6969, "network"), "9p": (0x01021997, "network"), "cifs": (0xff534d42, "network"),
                "fuse": (0x65735546, "FUSE"), "tmpfs": (0x01021994, "counts as memory"), "ext4": (0xef53, None)}


@pytest.mark.hazard("copy-on-write and network file systems")
@pytest.mark.parametrize("name", FILE_SYSTEMS)
def test_file_systems_without_a_guarantee(any_python, tmp_path, name):
    """The doctor says so beforehand, and the report afterwards, but for tmpfs, which keeps what it promises."""
    magic, doubt = FILE_SYSTEMS[name]
    library = tmp_path / "pretend.so"
    source = tmp_path / "pretend.c"
    source.write_text("#include <sys/vfs.h>\n#include <string.h>\n"
                      f"int statfs(const char *path, struct statfs *fs) {{ memset(fs, 0, sizeof *fs);"
                      f" fs->f_type = (int){magic:#x}; return !path; }}\n"
                      "int fstatfs(int fd, struct statfs *fs) { return statfs(fd < 0 ? 0 : \"\", fs); }\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    # A command built with AddressSanitizer can't be pretended to.
    if "san" not in BUILD.parts:
        told = subprocess.run([COMMAND, "doctor"], env=clean_environment(LD_PRELOAD=library), capture_output=True,
                              text=True, timeout=60, cwd=tmp_path)
        assert f"({name}" in told.stdout
        assert doubt is None or doubt in told.stdout
    done = subprocess.run([any_python, "-c", "print(7)"], capture_output=True, text=True, timeout=60,
                          env=clean_environment(LD_PRELOAD=f"{library}:{LIBRARY}",
                                                MEMTRACE_OUT=tmp_path / "r.memtrace"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "7\n", "")
    doubts = doubts_of(Profile(tmp_path / "r.memtrace"))
    if name in ("tmpfs", "ext4"):
        assert doubts == ""
    else:
        assert f"its files were on {name}: " in doubts and doubt in doubts


@pytest.mark.hazard("pids that are used again")
def test_a_pid_that_is_somebody_elses_by_now(trace, any_python, tmp_path):
    """A killed run whose pid lives again, with another start time, is dead: it is recovered and not waited for."""
    process = trace.start(any_python, "-c", "print('ready', flush=True); import time; time.sleep(600)",
                          stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    os.kill(collector_of(trace.out), signal.SIGKILL)
    process.kill()
    process.communicate()
    ring = trace.out / "run.memtrace.ring"
    with open(ring, "r+b") as file:
        file.seek(PID_OFFSET)
        assert int.from_bytes(file.read(4), "little") == process.pid
        file.seek(PID_OFFSET)
        file.write(os.getpid().to_bytes(4, "little"))
    report = Profile(trace.out / "run.memtrace").report()
    assert report["process"]["recovered"] is True
    assert not ring.exists()

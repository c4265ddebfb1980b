"""What may go wrong around a traced program without touching it."""

import ctypes
import os
import pathlib
import resource
import signal
import subprocess
import time

import pytest
from conftest import (BUILD, LIBRARY, ROOT, Profile, clean_environment, find_profiles, line_of,
                      wait_for)

SCRIPT = ROOT / "samples/growing_list.py"
LOOP = """\
import sys, time
FILL, kept = b".", []
print("ready", flush=True)
sys.stdin.readline()
begun = time.monotonic()
for i in range(300_000):
    kept = [FILL * (600 + i % 50) for _ in range(3)]
print(time.monotonic() - begun)
"""


def collector_of(folder):
    """The collector that writes into this folder, by its own argument list."""
    def find():
        for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            if "memtrace-collector" in words[0] and any(w.startswith(str(folder)) for w in words):
                return int(entry.parent.name)
        return None
    return wait_for(find, what="collector")


def looping(trace, python, tmp_path, **env):
    script = tmp_path / "loop.py"
    script.write_text(LOOP)
    process = trace.start(python, script, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process, collector_of(trace.out)


@pytest.mark.hazard("a collector that stands still")
def test_collector_that_is_killed(trace, any_python, tmp_path):
    process, collector = looping(trace, any_python, tmp_path)
    os.kill(collector, signal.SIGKILL)
    out, _ = process.communicate("go\n", timeout=60)
    assert process.returncode == 0
    assert float(out) < 30


@pytest.mark.hazard("a collector that stands still")
def test_collector_that_is_stopped(trace, any_python, tmp_path):
    """The program waits two seconds for it, and then goes on without."""
    process, collector = looping(trace, any_python, tmp_path, MEMTRACE_RING="64KiB", MEMTRACE_WAIT="1s")
    os.kill(collector, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        process.communicate("go\n", timeout=60)
        assert process.returncode == 0
        assert time.monotonic() - begun < 15
    finally:
        os.kill(collector, signal.SIGKILL)


@pytest.mark.hazard("sudden ends")
def test_both_killed_together(trace, any_python, tmp_path):
    """What the two left on disk is enough for the report."""
    script = tmp_path / "killed.py"
    script.write_text("import time\n"
                      "FILL, kept = b'.', [None] * 5000\n"
                      "for i in range(5000):\n"
                      "    kept[i] = FILL * 467  # fill\n"
                      "print('ready', flush=True)\n"
                      "time.sleep(60)\n")
    process = trace.start(any_python, script, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    collector = collector_of(trace.out)
    os.kill(collector, signal.SIGKILL)
    process.kill()
    process.communicate()
    profile = Profile(trace.out / "run.memtrace")
    report = profile.report()
    assert report["process"]["recovered"] is True
    assert report["process"]["end"] == "died"
    entry = profile.line(script, line_of(script, "# fill"))
    assert (entry["count"], entry["size_bytes"]) == (5000, 5000 * 500)
    profile.check(killed=True)


@pytest.mark.hazard("process 1 and subreapers")
def test_the_program_is_a_subreaper(any_python, tmp_path):
    """Orphans become its children, and the collector is an orphan: wait() must not return it."""
    code = ("import os\n"
            "try:\n"
            "    print(os.waitpid(-1, os.WNOHANG))\n"
            "except ChildProcessError:\n"
            "    print('no child')\n")
    set_and_exec = (f"import ctypes, os; ctypes.CDLL(None).prctl(36, 1, 0, 0, 0);"
                    f"os.environ.update(LD_PRELOAD={str(LIBRARY)!r}, MEMTRACE_OUT={str(tmp_path / 'r.memtrace')!r});"
                    f"os.execv({any_python!r}, [{any_python!r}, '-c', {code!r}])")
    done = subprocess.run([any_python, "-c", set_and_exec], env=clean_environment(), capture_output=True,
                          text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "no child\n", "")
    assert len(find_profiles(tmp_path)) == 1


@pytest.mark.parametrize("which, limit", [
    (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_FSIZE, 100 << 10), (resource.RLIMIT_FSIZE, 1 << 20),
    (resource.RLIMIT_NOFILE, 4), (resource.RLIMIT_NOFILE, 16), (resource.RLIMIT_AS, 200 << 20),
    (resource.RLIMIT_CORE, 0),
])
@pytest.mark.hazard("limits")
def test_limits(any_python, tmp_path, which, limit):
    """A limit makes the ring smaller or the program untraced, never dead."""
    if which == resource.RLIMIT_AS and "san" in BUILD.parts:
        pytest.skip("AddressSanitizer itself needs more address space than this: run without SAN=1")
    def lower():
        resource.setrlimit(which, (limit, limit))
    command = [any_python, "-c", "print(7)"]
    bare = subprocess.run(command, env=clean_environment(), preexec_fn=lower, capture_output=True, text=True)
    done = subprocess.run(command, preexec_fn=lower, capture_output=True, text=True, timeout=60,
                          env=clean_environment(LD_PRELOAD=LIBRARY, MEMTRACE_OUT=tmp_path / "r.memtrace"))
    assert (done.returncode, done.stdout) == (bare.returncode, bare.stdout)
    if done.stderr != bare.stderr:
        assert len(done.stderr.splitlines()) == len(bare.stderr.splitlines()) + 1


@pytest.mark.hazard("descriptors")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_standard_descriptors_that_are_closed(any_python, tmp_path, closed):
    """Nothing of the tracer lands on a number the program may write to."""
    code = "import os; open(%r, 'w').write(str(sorted(os.listdir('/proc/self/fd'))))"
    seen = []
    for name, environment in (("bare", clean_environment()),
                              ("traced", clean_environment(LD_PRELOAD=LIBRARY,
                                                           MEMTRACE_OUT=tmp_path / "r.memtrace"))):
        script = tmp_path / f"{name}.py"
        script.write_text(code % str(tmp_path / name))
        subprocess.run(["sh", "-c", f"exec {any_python} {script} {closed}"], env=environment, check=True,
                       timeout=60)
        seen.append((tmp_path / name).read_text())
    assert seen[0] == seen[1]
    assert len(find_profiles(tmp_path)) == 1


@pytest.mark.hazard("full disks")
def test_full_disk(any_python, tmp_path):
    """A small file system stands in for it."""
    folder = tmp_path / "small"
    folder.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    if os.getuid() or libc.mount(b"none", str(folder).encode(), b"tmpfs", 0, b"size=256k"):
        pytest.skip("mounting a small tmpfs takes root: run it as root")
    try:
        done = subprocess.run([any_python, SCRIPT, "20000"], capture_output=True, text=True, timeout=60,
                              env=clean_environment(LD_PRELOAD=LIBRARY, MEMTRACE_OUT=folder / "r.memtrace"))
        assert done.returncode == 0
        assert done.stdout == "expected: 20000 blocks, 20000000 bytes\n"
        assert len(done.stderr.splitlines()) <= 1
    finally:
        libc.umount2(str(folder).encode(), 2)


def test_subinterpreters(trace, python, tmp_path):
    script = tmp_path / "sub.py"
    script.write_text(
        "import importlib, os, sys\n"
        "for name in ('_interpreters', '_xxsubinterpreters'):\n"
        "    try:\n"
        "        interpreters = importlib.import_module(name)\n"
        "        break\n"
        "    except ImportError:\n"
        "        pass\n"
        "FILL = b'.'\n"
        "kept = [FILL * 467 for _ in range(100)]  # main\n"
        "code = '''\n"
        "FILL = b'.'\n"
        "def inside(n):\n"
        "    return [FILL * 467 for _ in range(n)]\n"
        "kept = inside(1000)\n"
        "'''\n"
        "for _ in range(3):\n"
        "    sub = interpreters.create()\n"
        "    interpreters.run_string(sub, code)\n"
        "    interpreters.destroy(sub)\n"
        "more = [FILL * 467 for _ in range(100)]  # after\n")
    run = trace(python, script)
    for comment in ("# main", "# after"):
        # The list that holds them is of the same line: at most two blocks more.
        entry = run.line(script, line_of(script, comment))
        assert 100 <= entry["count"] <= 103
    # Until 3.10 a comprehension has no longer name.
    totals = [e for e in run.report("--by", "function")["growth"] if e["file"] != str(script)
              and (e["function"] in ("inside", "<listcomp>") or e["function"].startswith("inside."))]
    assert sum(e["total_count"] for e in totals) >= 3000


@pytest.mark.hazard("thread exit")
def test_daemon_threads_allocate_to_the_end(trace, python, tmp_path):
    script = tmp_path / "daemon.py"
    script.write_text("import threading, time\n"
                      "FILL = b'.'\n"
                      "def work():\n"
                      "    while True:\n"
                      "        kept = [FILL * n for n in range(700)]\n"
                      "for _ in range(4):\n"
                      "    threading.Thread(target=work, daemon=True).start()\n"
                      "time.sleep(0.3)\n")
    trace(python, script)


@pytest.mark.hazard("thread exit")
def test_many_short_threads(trace, python, tmp_path):
    script = tmp_path / "short.py"
    script.write_text("import threading\n"
                      "FILL, kept = b'.', [None] * 2000\n"
                      "def work(i):\n"
                      "    kept[i] = FILL * 467  # kept\n"
                      "for i in range(0, 2000, 8):\n"
                      "    ts = [threading.Thread(target=work, args=(j,)) for j in range(i, i + 8)]\n"
                      "    for t in ts: t.start()\n"
                      "    for t in ts: t.join()\n")
    run = trace(python, script)
    entry = run.line(script, line_of(script, "# kept"))
    assert (entry["count"], entry["size_bytes"]) == (2000, 1_000_000)


@pytest.mark.hazard("code objects that go")
def test_code_that_is_made_and_dropped(trace, python, tmp_path):
    """A code object's address is used again by another: each block keeps its own function."""
    script = tmp_path / "churn.py"
    script.write_text(
        "import os, sys\n"
        "kept = {}\n"
        "for i in range(3000):\n"
        "    space = {'FILL': b'.'}\n"
        "    exec(compile(f'def f{i % 700}(): return FILL * 467\\nx = f{i % 700}()', f'file{i}.py', 'exec'), space)\n"
        "    kept[i] = space['x']\n"
        "    del space\n"
        "with open(sys.argv[1], 'w') as out:\n"
        "    for i, block in kept.items(): out.write(f'{id(block)} {i}\\n')\n"
        "os._exit(0)\n")
    run = trace(python, script, tmp_path / "seen")
    blocks, chains = run.blocks(), run.chains()
    wrong = 0
    for line in (tmp_path / "seen").read_text().splitlines():
        address, i = map(int, line.split())
        chain = chains[blocks[address]["stack"]]
        wrong += chain[0] != (f"file{i}.py", f"f{i % 700}", 1) or chain[1][0] != f"file{i}.py"
    assert wrong == 0

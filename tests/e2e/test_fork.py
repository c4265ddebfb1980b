"""Forked children are traced like their parents, and what they inherited is told from what is theirs."""

import itertools
import os
import pathlib
import signal
import subprocess

import pytest
from conftest import (BUILD, CONSERVED, LIBRARY, Profile, clean_environment, find_profiles, line_of,
                      wait_for)
from test_permissions import shared_folder  # noqa: F401

PREFORK = """\
import os, sys
FILL, kept = b".", [None] * 5000
for i in range(1000):
    kept[i] = FILL * 467  # parent
for n in range(4):
    if os.fork() == 0:
        for i in range(1000, 1000 + 100 * (n + 1)):
            kept[i] = FILL * 467  # child
        for i in range(300):
            kept[i] = None
        if n == 3 and os.fork() == 0:
            for i in range(300, 350):
                kept[i] = None
            for i in range(4000, 4070):
                kept[i] = FILL * 467  # grandchild
            sys.exit(9)
        elif n == 3:
            os.wait()
        (sys.exit if n % 2 else os._exit)(n)
for n in range(4):
    os.wait()
for i in range(2000, 2050):
    kept[i] = FILL * 467  # after
"""


def count(profile, script, text, *args):
    return profile.line(script, line_of(script, text), *args)["count"]


def by_status(run):
    """exit status -> profile, the parent's under "parent"."""
    profiles = {}
    for profile in run.profiles():
        process = profile.report()["process"]
        forked = any(r.get("key") == "forked" for r in profile.section("INFO"))
        profiles[process["status"] if forked else "parent"] = profile
    return profiles


@pytest.mark.hazard("fork")
def test_prefork(trace, python, tmp_path):
    script = tmp_path / "prefork.py"
    script.write_text(PREFORK)
    run = trace(python, script)
    profiles = by_status(run)
    assert sorted(map(str, profiles)) == ["0", "1", "2", "3", "9", "parent"]
    parent = profiles["parent"]
    assert (count(parent, script, "# parent"), count(parent, script, "# after")) == (1000, 50)
    assert count(parent, script, "# child") == 0
    for n in range(4):
        child = profiles[n]
        # Of what it inherited it gave back 300, and made its own.
        assert count(child, script, "# parent") == 700
        assert count(child, script, "# child") == 100 * (n + 1)
        assert count(child, script, "# after") == 0
        # Growth is its own unless more is asked for.
        leaked = child.line(script, line_of(script, "# child"))
        inherited = child.line(script, line_of(script, "# parent"))
        assert (leaked["count_diff"], inherited["count_diff"]) == (100 * (n + 1), -300)
        whole = child.line(script, line_of(script, "# parent"), "--from", "start")
        assert whole["count_diff"] == 700
        assert child.report()["process"]["parent_pid"] == parent.run_record()["pid"]
        assert child.run_record()["pid"] != parent.run_record()["pid"]
        marks = [mark["name"] for mark in child.report()["marks"]]
        assert marks[:3] == ["start", "main", "fork"]
    grandchild = profiles[9]
    assert [count(grandchild, script, t) for t in ("# parent", "# child", "# grandchild")] == [650, 400, 70]
    assert grandchild.report()["process"]["parent_pid"] == profiles[3].run_record()["pid"]
    # Nothing is left beside the profiles.
    assert all(path.suffix == ".memtrace" for path in run.folder.iterdir())


def test_journals_of_children_replay(trace, any_python, tmp_path):
    """A child's journal begins with its parent's, up to the fork."""
    script = tmp_path / "prefork.py"
    script.write_text(PREFORK)
    run = trace(any_python, script, env={"MEMTRACE_EVENTS": "full"})
    assert len(run.profiles()) == 6
    for profile in run.profiles():
        again = tmp_path / "again.memtrace"
        subprocess.run([BUILD / "memtrace-collector", "--replay", profile.path, "--to", again], check=True)
        assert again.read_bytes() == profile.path.read_bytes()


def test_child_that_only_execs_leaves_no_file(trace, any_python, tmp_path):
    script = tmp_path / "host.py"
    # A child made by C: between fork and exec it allocates nothing.
    library = tmp_path / "forker.so"
    (tmp_path / "forker.c").write_text(
        "#include <sys/wait.h>\n#include <unistd.h>\n"
        "int run(void) { int status; pid_t pid = fork();\n"
        "  if (!pid) { char *argv[] = {\"/bin/true\", 0}; execv(argv[0], argv); _exit(1); }\n"
        "  waitpid(pid, &status, 0); return status; }\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, tmp_path / "forker.c"], check=True)
    script.write_text(f"import ctypes\nprint(ctypes.CDLL({str(library)!r}).run())\n")
    run = trace(any_python, script)
    assert run.stdout == "0\n"
    assert len(run.profiles()) == 1


@pytest.mark.hazard("fork")
def test_daemon_by_double_fork(trace, any_python, tmp_path):
    script = tmp_path / "daemon.py"
    script.write_text("import os, time\n"
                      "FILL, kept = b'.', [None] * 1000\n"
                      "if os.fork(): os._exit(0)\n"
                      "os.setsid()\n"
                      "if os.fork(): os._exit(0)\n"
                      "for fd in range(3): os.close(fd)\n"
                      "for i in range(800):\n"
                      "    kept[i] = FILL * 467  # daemon\n"
                      "time.sleep(0.3)\n")
    run = trace(any_python, script, compare=False, check=False)
    assert run.status == 0

    def daemons():
        found = [p for p in run.profiles() if count(p, script, "# daemon") == 800]
        return found if not list(run.folder.glob("*.ring")) else None
    daemon, = wait_for(daemons, what="daemon's profile")
    daemon.check()
    assert len(run.profiles()) == 3


def test_multiprocessing(trace, python, tmp_path):
    """Workers by fork inherit, those by spawn and forkserver begin anew; each has its profile."""
    script = tmp_path / "pool.py"
    script.write_text("import multiprocessing, os, sys\n"
                      "FILL, kept = b'.', [None] * 2000\n"
                      "def work(n):\n"
                      "    kept[1000 + n] = FILL * 467  # worker\n"
                      "    return os.getpid()\n"
                      "if __name__ == '__main__':\n"
                      "    for i in range(1000):\n"
                      "        kept[i] = FILL * 467  # fill\n"
                      "    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:\n"
                      "        print(len(pool.map(work, range(200), 1)))\n"
                      "        pool.close()\n"
                      "        pool.join()\n")
    for how, inherited in (("fork", 1000), ("spawn", 0), ("forkserver", 0)):
        for file in trace.out.iterdir():
            file.unlink()
        run = trace(python, script, how, compare=False)
        assert run.stdout == "200\n"
        counts = [(count(p, script, "# fill"), count(p, script, "# worker")) for p in run.profiles()]
        assert (1000, 0) in counts
        workers = [c for c in counts if c[1]]
        assert sum(c[1] for c in workers) == 200
        assert {c[0] for c in workers} <= {inherited}


@pytest.mark.hazard("fork")
def test_forks_of_a_threaded_program(trace, any_python, tmp_path):
    """Other threads allocate while one forks: every book balances, and no child gets stuck."""
    script = tmp_path / "threads.py"
    script.write_text("import os, threading\n"
                      "FILL, stop = b'.', False\n"
                      "def churn():\n"
                      "    while not stop:\n"
                      "        [FILL * (n % 900) for n in range(200)]\n"
                      "threads = [threading.Thread(target=churn) for _ in range(3)]\n"
                      "for t in threads: t.start()\n"
                      "kept = []\n"
                      "for n in range(15):\n"
                      "    pid = os.fork()\n"
                      "    if not pid:\n"
                      "        for i in range(500): kept.append(FILL * 467)  # child\n"
                      "        os._exit(0)\n"
                      "    assert os.waitpid(pid, 0)[1] == 0\n"
                      "stop = True\n"
                      "for t in threads: t.join()\n")
    run = trace(any_python, script, env={"PYTHONWARNINGS": "ignore"})
    assert len(run.profiles()) == 16
    children = [count(p, script, "# child") for p in run.profiles()]
    assert sorted(children)[0] in (0, 1) and sorted(children)[1] >= 500


@pytest.mark.parametrize("follow, files", [("tree", 3), ("fork", 2), ("none", 1)])
def test_follow(trace, any_python, tmp_path, follow, files):
    script = tmp_path / "family.py"
    script.write_text("import os, subprocess, sys\n"
                      "pid = os.fork()\n"
                      "if not pid: sys.exit(0)\n"
                      "os.waitpid(pid, 0)\n"
                      "subprocess.run([sys.executable, '-c', 'pass'], check=True)\n")
    run = trace(any_python, script, env={"MEMTRACE_FOLLOW": follow})
    assert len(run.profiles()) == files


def processes(word):
    """Those whose command line has the word."""
    def command_line(pid):
        try:
            return (pathlib.Path("/proc") / pid / "cmdline").read_text()
        except OSError:
            return ""
    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and word in command_line(pid)]


def kill_all(program, *words):
    """Program, children and collectors, at once."""
    for pid in [pid for word in words for pid in processes(word)]:
        os.kill(pid, signal.SIGKILL)
    program.wait()
    wait_for(lambda: not any(map(processes, words)), what="end of all")


def recover(out):
    return subprocess.run([BUILD / "memtrace", "recover", out], capture_output=True, text=True)


# Each generation keeps what it made; a collector that is stopped learns of none.
GENERATIONS = """\
import os, signal, sys, time
FILL, kept = b".", [None] * 3000
for i in range(1000):
    kept[i] = FILL * 467  # parent
if sys.argv[1] == "stopped":
    open("parent-is-ready", "w").close()
    while not os.path.exists("go"):
        time.sleep(0.01)
if not os.fork():
    for i in range(1000, 1500):
        kept[i] = FILL * 467  # child
    kept[:100] = [None] * 100
    if not os.fork():
        for i in range(2000, 2200):
            kept[i] = FILL * 467  # grandchild
        kept[1000:1010] = [None] * 10
        open("ready", "w").close()
        time.sleep(60)
kept[0] = None
time.sleep(60)
"""
PARENT, CHILD, GRANDCHILD = (999, 0, 0), (900, 500, 0), (900, 490, 200)


def killed_family(trace, python, tmp_path, collector):
    """The script and, by what their processes hold, the OUTs."""
    script = tmp_path / "generations.py"
    script.write_text(GENERATIONS)
    program = trace.start(python, script, collector, start_new_session=True)
    if collector == "stopped":
        wait_for((tmp_path / "parent-is-ready").exists, what="parent")
        pid, = [pid for pid in processes(str(trace.out)) if pid != program.pid]
        os.kill(pid, signal.SIGSTOP)
        (tmp_path / "go").touch()
    wait_for((tmp_path / "ready").exists, what="grandchild")
    if collector == "ready":
        # One of each, and those of its ancestors.
        wait_for(lambda: not list(trace.out.glob("*.fork.*")) and
                 len(list(trace.out.glob("*.journal.[123]"))) == 6, what="three collectors")
    kill_all(program, str(script), str(trace.out))
    if collector == "stopped":
        # Both rings wait, and no journal knows of a fork.
        assert len(list(trace.out.glob("*.fork.*"))) == 2 and not list(trace.out.glob("*.journal.2"))
    return script, sorted(trace.out.glob("*.memtrace"))


def held(profile, script):
    assert profile.run_record()["flags"] & CONSERVED
    return tuple(count(profile, script, text) for text in ("# parent", "# child", "# grandchild"))


@pytest.mark.parametrize("collector, order", [
    ("ready", (0, 1, 2)), ("running", (1, 2, 0)), *(("stopped", o) for o in itertools.permutations(range(3)))])
def test_killed_family(trace, any_python, tmp_path, collector, order):
    """All are killed at once, whatever the collectors knew of the forks by then: each has its
    inheritance, in whatever order they are recovered."""
    script, outs = killed_family(trace, any_python, tmp_path, collector)
    assert len(outs) == 3
    for n in order:
        done = recover(outs[n])
        assert (done.returncode, done.stderr) == (0, "")
    profiles = [Profile(out) for out in outs]
    assert sorted(held(profile, script) for profile in profiles) == sorted((PARENT, CHILD, GRANDCHILD))
    family = [profile.report()["process"] for profile in profiles]
    pids = {process["pid"] for process in family}
    assert len([process for process in family if process["parent_pid"] in pids]) == 2
    for profile in profiles:
        profile.check(killed=True)
    # Nothing is left beside the profiles.
    assert sorted(trace.out.iterdir()) == outs


FORKS = """\
import os, sys
FILL, kept = b".", [None] * 400
for i in range(300):
    pid = os.fork()
    if pid == 0:
        kept[0] = FILL * 467  # child
        os._exit(0)
    os.waitpid(pid, 0)
    kept[i] = FILL * 467  # parent
print("forked", flush=True)
sys.stdin.read()
"""


def test_many_forks_leave_no_more_files_than_one(trace, any_python, tmp_path):
    """Each child links what its parent's journal consists of: that doesn't grow with their number."""
    script = tmp_path / "forks.py"
    script.write_text(FORKS)
    program = trace.start(any_python, script, env={"MEMTRACE_OUT": str(trace.out / "%x.%p.memtrace")},
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert program.stdout.readline() == "forked\n"
    wait_for(lambda: len(processes(str(trace.out))) <= 2, what="end of the children's collectors")
    assert len(list(trace.out.glob("*.journal.*"))) == 1
    program.communicate("", timeout=60)
    profiles = {profile.run_record()["pid"]: profile for profile in map(Profile, find_profiles(trace.out))}
    assert len(profiles) == 301 and sorted(trace.out.iterdir()) == find_profiles(trace.out)
    assert count(profiles.pop(program.pid), script, "# parent") == 300
    assert all(count(profile, script, "# child") == 1 for profile in profiles.values())


def test_a_child_whose_inheritance_is_gone(trace, any_python, tmp_path):
    """What can't be known is said, not guessed."""
    _, outs = killed_family(trace, any_python, tmp_path, "stopped")
    children = [out for out in outs if out.name != "run.memtrace"]
    for path in (*trace.out.glob("run.memtrace.journal.*"), trace.out / "run.memtrace.ring"):
        path.unlink()
    for out in children:
        done = recover(out)
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
        assert "inherited: " in done.stderr and "neither a ring nor a journal" in done.stderr
    for path in trace.out.glob("*.fork.*"):
        path.unlink()
    done = recover(children[1])
    assert done.returncode == 1 and "the journal of what it inherited is gone" in done.stderr


def test_a_pause_before_the_first_event(trace, any_python, tmp_path):
    """A fork made by C, whose first call into the library is memtrace_pause, is paused."""
    library = tmp_path / "forker.so"
    (tmp_path / "forker.c").write_text(
        "#include <stdlib.h>\n#include <sys/wait.h>\n#include <unistd.h>\n"
        "extern void memtrace_pause(void) __attribute__((weak));\n"
        "extern void memtrace_resume(void) __attribute__((weak));\n"
        "static void *volatile kept;\n"
        "int run(void) { int status; pid_t pid = fork();\n"
        "  if (!pid) { if (memtrace_pause) memtrace_pause();\n"
        "    for (int i = 0; i < 100; i++) kept = malloc(5001);\n"
        "    if (memtrace_resume) memtrace_resume();\n"
        "    for (int i = 0; i < 10; i++) kept = malloc(5003);\n"
        "    _exit(0); }\n"
        "  waitpid(pid, &status, 0); return status; }\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, tmp_path / "forker.c"], check=True)
    run = trace(any_python, "-c", f"import ctypes; print(ctypes.CDLL({str(library)!r}).run())")
    child, = [p for p in run.profiles() if p.report()["process"]["end"] == "_exit"]
    sizes = [block["bytes"] for block in child.blocks().values()]
    assert (sizes.count(5001), sizes.count(5003)) == (0, 10)


def test_forks_as_another_user(any_python, shared_folder):
    """Their collector would be its former user's, and could do nothing for them: they aren't traced, don't
    wait, and leave nothing; what they execute is traced."""
    out = shared_folder / "r.memtrace"
    code = ("import os, subprocess, sys, time\n"
            "os.setgid(65534); os.setuid(65534)\n"
            "before = time.monotonic()\n"
            "for n in range(5):\n"
            "    if not os.fork():\n"
            "        kept = [b'.' * n for n in range(100)]\n"
            "        os._exit(0)\n"
            "    os.wait()\n"
            "print(time.monotonic() - before)\n"
            "subprocess.run([sys.executable, '-c', 'pass'], check=True)\n")
    done = subprocess.run([any_python, "-c", code], cwd="/", capture_output=True, text=True, timeout=120,
                          env=clean_environment(LD_PRELOAD=LIBRARY, MEMTRACE_OUT=out))
    assert (done.returncode, done.stderr) == (0, "")
    # Each would wait two seconds for the first sign of its collector.
    assert float(done.stdout) < 9
    assert sorted(path.name for path in shared_folder.iterdir()) == ["r-2.memtrace", "r.memtrace"]
    assert Profile(out).report()["process"]["end"] == "exit"


def test_an_executed_program_is_not_waited_for(trace, any_python, tmp_path):
    """A fork that executes another program before its first event has no collector from then on."""
    library = tmp_path / "forker.so"
    (tmp_path / "forker.c").write_text(
        "#include <unistd.h>\n"
        "int run(void) { pid_t pid = fork();\n"
        "  if (!pid) { execl(\"/bin/sleep\", \"sleep\", \"60\", (char *)0); _exit(1); }\n"
        "  return pid; }\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, tmp_path / "forker.c"], check=True)
    program = trace.start(any_python, "-c", f"import ctypes, sys\n"
                          f"print(ctypes.CDLL({str(library)!r}).run(), flush=True)\n"
                          f"sys.stdin.read()\n", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    sleeper = int(program.stdout.readline())
    try:
        wait_for(lambda: list(trace.out.glob("*.fork.*.journal.1")), what="fork")
        wait_for(lambda: len(processes(str(trace.out))) == 1, what="end of the second collector")
        assert pathlib.Path(f"/proc/{sleeper}/comm").read_text() == "sleep\n"
        assert not list(trace.out.glob("*.fork.*"))
    finally:
        os.kill(sleeper, signal.SIGKILL)
        program.communicate("", timeout=60)
    assert program.returncode == 0
    assert [path.suffix for path in trace.out.iterdir()] == [".memtrace"]

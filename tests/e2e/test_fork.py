"""Forked children are traced like their parents, and what they inherited is told from what is theirs."""

import os
import pathlib
import signal
import subprocess

import pytest
from conftest import BUILD, CONSERVED, Profile, line_of, wait_for

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
    run = trace(any_python, script)
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


def test_both_killed_child_recovers(trace, any_python, tmp_path):
    """Parent, child and collectors are killed at once: the child's profile has its inheritance."""
    script = tmp_path / "killed.py"
    script.write_text("import os, signal, time\n"
                      "FILL, kept = b'.', [None] * 2000\n"
                      "for i in range(1000):\n"
                      "    kept[i] = FILL * 467  # parent\n"
                      "if not os.fork():\n"
                      "    for i in range(1000, 1500):\n"
                      "        kept[i] = FILL * 467  # child\n"
                      "    open('ready', 'w').close()\n"
                      "time.sleep(60)\n")
    program = trace.start(any_python, script, start_new_session=True)
    wait_for((tmp_path / "ready").exists, what="child")

    def command_line(pid):
        try:
            return (pathlib.Path("/proc") / pid / "cmdline").read_text()
        except OSError:
            return ""

    def pids(word):
        return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and word in command_line(pid)]
    # The parent's from the fork on, and the child's own.
    wait_for(lambda: len(list(trace.out.glob("*.journal.2"))) == 2, what="two journals")
    everyone = pids(str(script)) + pids(str(trace.out))
    for pid in everyone:
        os.kill(pid, signal.SIGKILL)
    program.wait()
    wait_for(lambda: not pids(str(trace.out)), what="end of all")
    for out in sorted(trace.out.glob("*.memtrace")):
        subprocess.run([BUILD / "memtrace", "recover", out], check=True, capture_output=True)
    counts = {}
    for out in sorted(trace.out.glob("*.memtrace")):
        profile = Profile(out)
        assert profile.run_record()["flags"] & CONSERVED
        counts[count(profile, script, "# child")] = count(profile, script, "# parent")
    assert counts == {0: 1000, 500: 1000}

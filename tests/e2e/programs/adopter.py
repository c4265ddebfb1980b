"""Waits for its children in every way there is, and prints what it got: nobody else's, ever.

As PID 1 or as a subreaper it gets orphans for children, the collectors of the Pythons that it
starts among them. adopter.py [subreaper] [NAME=VALUE]: with the latter it executes itself first,
with that in its environment.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
COLLECTOR = "memtrace-collec"
roles = {}


def by_waitid(flags):
    done = os.waitid(os.P_ALL, 0, os.WEXITED | flags)
    return done.si_pid if done else 0


def left_and_taken():
    """Left to be waited for again, it is there again."""
    left = by_waitid(os.WNOWAIT)
    assert by_waitid(0) == left
    return left


BLOCKING = {
    "wait": lambda: os.wait()[0],
    "waitpid": lambda: os.waitpid(-1, 0)[0],
    "wait3": lambda: os.wait3(0)[0],
    "wait4": lambda: os.wait4(-1, 0)[0],
    "waitid": lambda: by_waitid(0),
    "waitid, twice": left_and_taken,
}
POLLING = {
    "waitpid": lambda: os.waitpid(-1, os.WNOHANG)[0],
    "wait3": lambda: os.wait3(os.WNOHANG)[0],
    "wait4": lambda: os.wait4(-1, os.WNOHANG)[0],
    "waitid": lambda: by_waitid(os.WNOHANG),
}


def ask(way):
    try:
        pid = way()
    except ChildProcessError:
        return "none"
    return roles.get(pid, f"a stranger, {pid}") if pid else "not yet"


def ask_until_none(way):
    seen = []
    while not seen or seen[-1] != "none":
        seen.append(ask(way))
    return sorted(seen)


def children_of(parent):
    """(pid, name, state) of each, as /proc has them."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{int(entry)}/stat") as file:
                head, _, rest = file.read().rpartition(")")
        except (OSError, ValueError):
            continue
        state, its_parent = rest.split()[:2]
        if int(its_parent) == parent:
            found.append((int(entry), head.partition("(")[2], state))
    return found


def await_collectors(parent):
    """All of the parent's children that are collectors have ended, but for its own."""
    while collectors_of(parent) - own:
        time.sleep(0.01)


def collectors_of(parent):
    return {pid for pid, name, state in children_of(parent) if name == COLLECTOR and state != "Z"}


def fork(role, work):
    pid = os.fork()
    if not pid:
        work()
        os._exit(0)
    roles[pid] = role
    return pid


def start(role, code):
    program = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.DEVNULL)
    roles[program.pid] = role
    return program


def daemon():
    """An orphan of ours that says its number, and lives until we let go of the pipe."""
    says, told = os.pipe()
    lives, ends = os.pipe()

    def make():
        if not os.fork():
            os.close(ends)
            os.write(told, b"%9d" % os.getpid())
            os.read(lives, 1)
    fork("the daemon's parent", make)
    roles[int(os.read(says, 9))] = "the daemon"
    os.close(ends)


# A Python of its own, whose collector has its daemon's: an orphan when that has ended.
DAEMON_OF_PYTHON = """\
import os
kept = [b"." * n for n in range(1000)]
if not os.fork():
    kept = [b"." * n for n in range(2000)]
    print(os.getpid(), flush=True)
    os.read(0, 1)
os._exit(0)
"""


def foreign_daemon():
    program = subprocess.Popen([sys.executable, "-c", DAEMON_OF_PYTHON], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    roles[program.pid] = "another Python"
    roles[int(program.stdout.readline())] = "its daemon"
    return program


def everything(name, way):
    print(name, "nobody:", ask_until_none(way))
    fork("a fork", lambda: None)
    start("a Python", "pass")
    daemon()
    print(name, "all:", ask_until_none(way))
    killed = start("a killed Python", "import time; kept = [b'.' * n for n in range(9999)]; time.sleep(600)")
    killed.kill()
    killed.wait()
    mine = os.getpid()
    fork("who ends after all collectors", lambda: await_collectors(mine))
    print(name, "last:", ask_until_none(way))
    program = foreign_daemon()
    print(name, "first:", ask(way))
    program.stdin.close()
    print(name, "then:", ask_until_none(way))


def no_zombies():
    """Who waits for one child alone has ours taken away, too."""
    for _ in range(3):
        start("a Python", "pass").wait()
    await_collectors(os.getpid())
    subprocess.run(["true"], check=True)
    print("zombies:", [child for child in children_of(os.getpid()) if child[2] == "Z"])


def stopped():
    pid = fork("who stops", lambda: (os.kill(os.getpid(), signal.SIGSTOP), os.read(gate[0], 1)))
    print("stopped:", roles[os.waitpid(-1, os.WUNTRACED)[0]])
    os.kill(pid, signal.SIGCONT)
    print("goes on:", roles[os.waitpid(-1, os.WCONTINUED)[0]])
    os.write(gate[1], b".")
    print("ended:", roles[os.waitpid(-1, 0)[0]])


def main():
    if "subreaper" in sys.argv:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    if "=" in sys.argv[-1]:
        name, _, value = sys.argv.pop().partition("=")
        os.environ[name] = value
        os.execv(sys.executable, [sys.executable, *sys.argv])
    for name, way in BLOCKING.items():
        everything(name, way)
    for name, way in POLLING.items():
        print(name, "nobody:", ask(way))
        fork("a fork", lambda: os.read(gate[0], 1))
        print(name, "asleep:", ask(way))
        os.write(gate[1], b".")
        print(name, "at last:", sorted(set(ask_until_none(way)) - {"not yet"}))
    no_zombies()
    stopped()


gate = os.pipe()
own = collectors_of(os.getpid())
main()

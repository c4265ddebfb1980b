"""Makes Python processes in every way there is. Each keeps blocks of its own and writes a line into the
file `witness` of the working directory:

    NAME PID PARENT HOW BLOCKS

PARENT is the process that it descends from: through shells, and after what stood between has ended.
family.py [NAME PARENT HOW BLOCKS [NEXT]]: without arguments it is the first; with NEXT it executes itself
once more.
"""

import itertools
import multiprocessing
import os
import subprocess
import sys

FILL = b"."
kept, filled = [None] * 3000, itertools.count()


def live(name, parent, how, blocks):
    for _ in range(blocks):
        kept[next(filled)] = FILL * 467  # own
    line = f"{name} {os.getpid()} {parent} {how} {blocks}\n"
    witness = os.open("witness", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(witness, line.encode())
    os.close(witness)


def again(name, parent, how, blocks, *more):
    return [sys.executable, os.path.abspath(__file__), name, str(parent), how, str(blocks), *map(str, more)]


def fork(work, *args):
    pid = os.fork()
    if not pid:
        work(*args)
        os._exit(0)
    return pid


def forks():
    def with_child(parent):
        live("fork", parent, "forked", 300)
        fork(live, "fork-of-fork", os.getpid(), "forked", 200)
        os.wait()
    fork(with_child, os.getpid())
    os.wait()


def executed():
    """A fork that lives a while, becomes another Python, and that one a third."""
    def work(parent):
        live("fork-that-executes", parent, "forked", 100)
        command = again("executed", os.getpid(), "executed", 150, "executed-again")
        os.execv(command[0], command)
    fork(work, os.getpid())
    os.wait()


def started():
    mine = os.getpid()
    subprocess.run(again("by-subprocess", mine, "started", 110), check=True)
    subprocess.run(again("by-vfork", mine, "started", 115), check=True, close_fds=False)
    subprocess.run(["sh", "-c", " ".join(again("by-shell", mine, "started", 120)) + "; true"], check=True)
    command = again("by-spawn", mine, "started", 130)
    os.waitpid(os.posix_spawn(command[0], command, os.environ), 0)
    # Python runs in this fork before it executes: it is a process of its own until then.
    command = [sys.executable, "-c", "pass"]
    subprocess.run(command, check=True, preexec_fn=lambda: live("preexec", mine, "forked", 140))


def daemon():
    says, told = os.pipe()

    def middle(parent):
        live("middle", parent, "forked", 160)
        mine = os.getpid()

        def work():
            os.setsid()
            while os.getppid() == mine:
                pass
            live("daemon", mine, "forked", 170)
            os.write(told, b".")
        fork(work)
    fork(middle, os.getpid())
    os.wait()
    os.read(says, 1)


def by_multiprocessing():
    for number, how in enumerate(("fork", "spawn", "forkserver")):
        context = multiprocessing.get_context(how)
        process = context.Process(target=work_for_multiprocessing, args=(how, 210 + number))
        process.start()
        process.join()


def work_for_multiprocessing(how, blocks):
    live("multiprocessing-" + how, os.getppid(), "started" if how == "spawn" else "forked", blocks)


def main():
    if len(sys.argv) > 1:
        name, parent, how, blocks, *more = sys.argv[1:]
        live(name, parent, how, int(blocks))
        if more:
            command = again(more[0], os.getpid(), "executed", 155)
            os.execv(command[0], command)
        return
    live("first", 0, "first", 1000)
    forks()
    executed()
    started()
    daemon()
    by_multiprocessing()


if __name__ == "__main__":
    main()

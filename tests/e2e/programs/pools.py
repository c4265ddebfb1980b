"""Grows, shrinks, churns, and has the witness take the interpreter's own figures at each step.

    pools.py WITNESS FOLDER WORKLOAD
"""

import ctypes
import gc
import os
import sys
import threading

library, folder, workload = sys.argv[1:]
witness = ctypes.PyDLL(library)
witness.witness_interpreters.argtypes = (ctypes.c_char_p, ctypes.c_int, ctypes.c_int, ctypes.c_char_p,
                                         ctypes.c_char_p)
FILL = b"."
INSIDE = """
kept = globals().get("kept", [])
kept += [b"." * n for n in range(1, 480)] + [{str(n): n} for n in range(300)]
del kept[::3]
"""


def take(name):
    witness.witness_take(name.encode(), os.path.join(folder, name).encode())


def grow(rounds=1):
    """Blocks of every class, and of malloc's."""
    return [FILL * n for _ in range(6 * rounds) for n in range(0, 700)] + [(n, [n], {n: n}) for n in range(2000)]


def steps():
    take("begin")
    kept = grow()
    take("grown")
    del kept[::2]
    take("shrunk")
    kept += grow(2)
    take("again")
    kept.clear()
    # Without the lists of spare objects, which hold arenas.
    gc.collect()
    take("cleared")
    # Pools that have served one class and serve another now.
    row = [FILL * 400 for _ in range(4000)]
    del row[::5]
    take("other")


def reallocs():
    """In place and not, over and under the largest size that pools serve, upwards and downwards."""
    rows = []
    for n in range(400):
        row = []
        for item in range(n % 90):
            row.append(item)
        rows.append(row)
        text = bytearray()
        for _ in range(n % 60):
            text += b"12345678901"
        rows.append(text)
        if n % 3 == 0:
            del text[5:]
    take("grown")
    for row in rows:
        del row[len(row) // 3:]
    take("shrunk")
    for row in rows[::2]:
        row += row
    take("again")


def threads():
    """Blocks of threads that end, freed by another; the mark comes while some still run."""
    made, go_on, begun = [], threading.Event(), threading.Semaphore(0)

    def work(number):
        own = grow()
        made.append(own[number::4])
        begun.release()
        go_on.wait()
        own.clear()

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for _ in workers:
        begun.acquire()
    take("running")
    go_on.set()
    for worker in workers:
        worker.join()
    take("joined")
    del made[::2]
    take("freed")


def fork():
    """Each side goes its own way with what both had."""
    kept = grow()
    take("before")
    pid = os.fork()
    if pid == 0:
        del kept[::3]
        kept += grow()
        take("child")
        os._exit(0)
    os.waitpid(pid, 0)
    del kept[::5]
    take("parent")


def interpreters(own):
    path = os.path.join(folder, "all").encode()
    witness.witness_interpreters(INSIDE.encode(), 3, own, b"all", path)


if workload == "functions":
    witness.witness_functions()
elif workload in ("own", "shared"):
    interpreters(workload == "own")
else:
    globals()[workload]()
sys.stdout.flush()
os._exit(0)

"""Keeps every hundredth block of many, then gives those back, and prints what its memory loses by that.

    fragments.py WORKLOAD

At the mark "held" it forks a child that does nothing more: its profile is of that moment. A line for
each release: the function whose blocks it gives back, how many, and the bytes that have left the memory of
this process (statm: resident without file and shared pages, such as the tracer's ring).
"""

import ctypes
import gc
import os
import sys
import threading
import time
import warnings

PAGE = os.sysconf("SC_PAGESIZE")
BYTES = 24 << 20
EVERY = 100
FILL = b"."


def tuples():
    a, b, c = "a", "b", "c"
    items = [None] * (BYTES // 64)
    for index in range(len(items)):
        items[index] = (a, b, c)  # pins tuples
    return items


def blocks(size):
    items = [None] * (BYTES // size)
    empty = sys.getsizeof(b"")
    for index in range(len(items)):
        items[index] = FILL * (size - empty)  # pins blocks
    return items


def early():
    items = [None] * (BYTES // 128)
    for index in range(len(items)):
        items[index] = FILL * 90  # pins early
    return items


def late():
    items = [None] * (BYTES // 128)
    for index in range(len(items)):
        items[index] = FILL * 90  # pins late
    return items


def private_bytes():
    with open("/proc/self/statm", "rb") as statm:
        _, resident, shared, *_ = map(int, statm.read().split())
    return (resident - shared) * PAGE


def mark(name):
    library = ctypes.CDLL(None)
    if hasattr(library, "memtrace_mark"):
        library.memtrace_mark(name)


def keep(items):
    kept = items[::EVERY]
    items.clear()
    # What was spare since before, and a part of what was dropped now, is on the interpreter's free lists.
    gc.collect()
    return kept


def hold():
    mark(b"held")
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def release(name, kept):
    before = private_bytes()
    count = len(kept)
    # The list itself stays: it is no block of an arena's.
    for index in range(count):
        kept[index] = None
    gc.collect()
    print(name, count, before - private_bytes())
    mark(b"released " + name.encode())


def one(name, items):
    kept = keep(items)
    hold()
    release(name, kept)


def by_age():
    # The second fills no holes of the first: both are whole until both are there.
    first = early()
    # What waits in the tracer's table gets its age when it leaves it.
    mark(b"early")
    time.sleep(2.5)
    second = late()
    first, second = keep(first), keep(second)
    hold()
    release("early", first)
    release("late", second)


def by_thread():
    kept, begun, done = {}, threading.Semaphore(0), threading.Event()

    def work():
        kept[str(threading.get_native_id())] = blocks(208)
        begun.release()
        done.wait()

    # One after the other; all live on, so that none takes the place of another in the profile.
    workers = []
    for _ in range(3):
        workers.append(threading.Thread(target=work))
        workers[-1].start()
        begun.acquire()
    kept = {thread: keep(items) for thread, items in kept.items()}
    hold()
    for thread in reversed(list(kept)):
        release(thread, kept[thread])
    done.set()
    for worker in workers:
        worker.join()


# One of a fork with threads would import modules, whose blocks fill holes.
warnings.simplefilter("ignore")
gc.collect()
gc.disable()
workload = sys.argv[1]
if workload == "tuples":
    one("tuples", tuples())
elif workload.isdigit():
    one("blocks", blocks(int(workload)))
else:
    {"age": by_age, "thread": by_thread}[workload]()
sys.stdout.flush()
os._exit(0)

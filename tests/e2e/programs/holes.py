"""Makes holes in the C heap, has the witness trim it, and prints how many bytes that gave back.

    holes.py WITNESS FOLDER WORKLOAD
"""

import ctypes
import os
import random
import sys
import threading

library, folder, workload = sys.argv[1:]
witness = ctypes.PyDLL(library)
witness.witness_trim.restype = ctypes.c_long
c = ctypes.CDLL(None)
c.malloc.restype = ctypes.c_void_p
c.malloc.argtypes = (ctypes.c_size_t,)
c.free.argtypes = (ctypes.c_void_p,)
c.memset.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t)
random.seed(4711)


def fill(sizes):
    """Blocks of these sizes, every byte of them written."""
    blocks = []
    for size in sizes:
        block = c.malloc(size)
        c.memset(block, 1, size)
        blocks.append(block)
    return blocks


def release(blocks):
    for block in blocks:
        c.free(block)


def holes(sizes):
    release(fill(sizes)[::2])


def sort_out():
    """glibc sorts what was freed lately into its bins when it looks for something large, as programs do."""
    release(fill([120_000] * 20))


def mixed():
    holes([random.randrange(6_000, 60_000) for _ in range(2500)])
    sort_out()


def equal():
    holes([20_000] * 3000)
    sort_out()


def small():
    """Too small to have a page in them."""
    holes([1_500] * 30_000)
    sort_out()


def unsorted():
    """As they were freed: glibc tells them by their sum, the smallest and the largest."""
    holes([random.randrange(600, 60_000) for _ in range(2500)])


def top():
    """All of it at the end of the heap, which is too small a part to go back by itself."""
    c.mallopt(-1, 1 << 30)  # M_TRIM_THRESHOLD
    c.mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD
    release(fill([100_000] * 300))


def threads():
    """Each thread has an arena of its own, and holes in it."""
    ready = threading.Barrier(3)

    def work():
        blocks = fill([random.randrange(6_000, 60_000) for _ in range(800)])
        ready.wait()
        release(blocks[::2])
        sort_out()
        ready.wait()
        done.wait()

    done = threading.Event()
    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    ready.wait()
    ready.wait()
    return done, workers


kept = globals()[workload]()
print(witness.witness_trim(b"holes", os.path.join(folder, "holes").encode()))
sys.stdout.flush()
os._exit(0)

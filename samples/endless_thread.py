"""Threads that never end, with what they hold.

    memtrace run -- python3 samples/endless_thread.py [THREADS]
    memtrace report --by thread

Each of THREADS threads (20 unless told otherwise) waits for work that never comes, and keeps its local
variables meanwhile. The line marked "leaks" holds, at the end, exactly THREADS blocks of 100,000 bytes:
99,967 bytes of content and the 33 bytes that any bytes object needs (49 without a GIL). They are daemon
threads, so the program ends in spite of them.
"""

import sys
import threading

LETTER = b"x"
WORK = threading.Event()
SIZES = []


def wait_for_work(ready):
    scratch = LETTER * 99_967  # leaks
    SIZES.append(sys.getsizeof(scratch))
    ready.release()
    WORK.wait()
    return scratch


def main(threads):
    ready = threading.Semaphore(0)
    for _ in range(threads):
        threading.Thread(target=wait_for_work, args=(ready,), daemon=True).start()
    for _ in range(threads):
        ready.acquire()
    print(f"expected: {len(SIZES)} blocks, {sum(SIZES)} bytes")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)

"""A celery worker with two processes, and its client: as many tasks as told, then the worker ends.

    work_queue.py TASKS LOG

Prints for each of the worker's processes how many tasks it did, on lines of its own at the end of LOG.
"""

import collections
import os
import signal
import subprocess
import sys

from celery import group
from tasks import add, remember

PATIENCE_SECONDS = 90
SIZE = 2967


def start_worker(log):
    command = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "--concurrency", "2",
               "--without-mingle", "--without-gossip", "--loglevel", "WARNING"]
    return subprocess.Popen(command, cwd=os.path.dirname(os.path.abspath(__file__)), stdout=log, stderr=log)


def main(tasks, log):
    worker = start_worker(log)
    try:
        answers = group(remember.s(SIZE) for _ in range(tasks))().get(timeout=PATIENCE_SECONDS)
        sums = group(add.s(n, n) for n in range(20))().get(timeout=PATIENCE_SECONDS)
    finally:
        worker.send_signal(signal.SIGTERM)
        status = worker.wait(PATIENCE_SECONDS)
    for process, count in collections.Counter(process for process, _ in answers).items():
        print(f"worker {process}: {count} tasks", file=log)
    print(f"expected: {len(answers)} blocks; {sum(sums)}; status {status}")


with open(sys.argv[2], "w", buffering=1) as file:
    main(int(sys.argv[1]), file)

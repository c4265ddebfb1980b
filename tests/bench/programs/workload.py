"""What every program of the bench shares: a fixed amount of work, and the CPU time inside it.

A program calls run(work, rounds): rounds is what its work takes for about a second, and its first
argument scales that. One line of JSON tells the time, for run.py.
"""

import json
import sys
import time


def peak_bytes():
    """Of this program's memory; getrusage would count what the process was before it began, too."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def run(work, rounds):
    scale = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    rounds = max(1, int(rounds * scale))
    wall, cpu = time.perf_counter(), time.process_time()
    work(rounds)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(json.dumps({"cpu_seconds": cpu, "wall_seconds": wall, "peak_rss_bytes": peak_bytes()}))

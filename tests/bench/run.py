#!/usr/bin/env python3
"""What tracing costs: programs of a fixed amount of work, bare and under the tracer and its peers.

    tests/bench/run.py [--python PATH] [--rounds N] [--scale X] [--json FILE] [--peers] [PROGRAM...]

Rounds are interleaved: each program runs once in every mode before it runs again, so that a machine
that is slower for a while is so for all. Figures are medians of the rounds. CPU time inside the
workload is what the program itself measures (programs/workload.py); that of the tree includes the
collector, which this process adopts as a subreaper. --peers installs memray into a folder of the
cache once, and runs it and tracemalloc, too.
"""

import argparse
import ctypes
import json
import math
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = ("containers", "json_text", "objects", "strings", "calls", "threads", "generators",
            "coroutines", "regexes", "parsing", "deep", "buffers")
PR_SET_CHILD_SUBREAPER = 36
WALL = 0x40000000  # also children that don't signal their end
COLLECTOR_SECONDS = 60


class Mode:
    """How a program is run, and what that leaves on the disk."""

    def __init__(self, name, command, environment=None):
        self.name, self.command, self.environment = name, command, environment or {}


def build_folder():
    return HERE.parent.parent / os.environ.get("MEMTRACE_BUILD", "build")


def peers_folder(python):
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    version = subprocess.run([python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
                             check=True, capture_output=True, text=True).stdout.strip()
    return pathlib.Path(cache) / "memtrace" / f"bench-{version}"


def install_peers(python):
    folder = peers_folder(python)
    if not (folder / "bin/memray").exists():
        subprocess.run([python, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin/pip", "install", "-q", "memray"], check=True)


def modes_of(python):
    traced = {"LD_PRELOAD": str(build_folder() / "libmemtrace.so"), "MEMTRACE_OUT": "run.memtrace",
              "MEMTRACE_QUIET": "1"}
    modes = [Mode("bare", [python]), Mode("exact", [python], traced)]
    peer = peers_folder(python) / "bin/python"
    if peer.exists():
        run = [str(peer), "-m", "memray", "run", "-q", "-f", "-o", "run.bin"]
        modes += [Mode("memray", run), Mode("memray python", [*run, "--trace-python-allocators"]),
                  Mode("tracemalloc 1", [python, "-X", "tracemalloc=1"]),
                  Mode("tracemalloc 25", [python, "-X", "tracemalloc=25"])]
    return modes


def reap_rest():
    """The collector is ours when the program has ended: its CPU seconds and peak, once it has ended too."""
    seconds, peak = 0.0, 0
    until = time.monotonic() + COLLECTOR_SECONDS
    while time.monotonic() < until:
        try:
            pid, _, usage = os.wait4(-1, WALL | os.WNOHANG)
        except ChildProcessError:
            break
        if not pid:
            time.sleep(0.002)
            continue
        seconds += usage.ru_utime + usage.ru_stime
        peak = max(peak, usage.ru_maxrss * 1024)
    return seconds, peak


def count_events(profile):
    """Allocations and frees, as the profile counts them."""
    done = subprocess.run([build_folder() / "memtrace", "report", "--json", "-n", "0", profile],
                          check=True, capture_output=True, text=True)
    lines = json.loads(done.stdout)["growth"]
    return sum(2 * line["total_count"] - line["count"] for line in lines)


def measure(mode, program, scale):
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        environment = {k: v for k, v in os.environ.items()
                       if not k.startswith(("MEMTRACE_", "PYTHON", "LD_PRELOAD"))}
        environment.update(mode.environment, PYTHONHASHSEED="0")
        path = HERE / "programs" / f"{program}.py"
        read, write = os.pipe()
        start = time.perf_counter()
        child = subprocess.Popen([*mode.command, str(path), str(scale)], stdout=write,
                                 stderr=subprocess.DEVNULL, cwd=folder, env=environment)
        os.close(write)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        with open(read, encoding="utf-8") as pipe:
            output = pipe.read()
        if status:
            raise SystemExit(f"{program} under {mode.name} ended with {child.returncode}")
        rest, rest_peak = reap_rest()
        told = json.loads(output)
        left = [p for p in pathlib.Path(folder).iterdir() if p.is_file()]
        profile = [p for p in left if p.suffix == ".memtrace"]
        return {
            "cpu_seconds": told["cpu_seconds"],
            "tree_cpu_seconds": usage.ru_utime + usage.ru_stime + rest,
            "wall_seconds": wall,
            "peak_rss_bytes": told["peak_rss_bytes"],
            "collector_peak_rss_bytes": rest_peak,
            "disk_bytes": sum(p.stat().st_size for p in left),
            "events": count_events(profile[0]) if profile else None,
        }


def medians(runs):
    return {key: statistics.median(run[key] for run in runs) if runs[0][key] is not None else None
            for key in runs[0]}


def bench(program, modes, rounds, scale):
    runs = {mode.name: [] for mode in modes}
    for _ in range(rounds):
        for mode in modes:
            runs[mode.name].append(measure(mode, program, scale))
    result = {name: medians(each) for name, each in runs.items()}
    bare = result["bare"]
    for figures in result.values():
        figures["ratio"] = figures["cpu_seconds"] / bare["cpu_seconds"]
        figures["tree_ratio"] = figures["tree_cpu_seconds"] / bare["tree_cpu_seconds"]
    exact = result["exact"]
    exact["ns_per_event"] = (exact["cpu_seconds"] - bare["cpu_seconds"]) * 1e9 / exact["events"]
    exact["events_per_second"] = exact["events"] / exact["cpu_seconds"]
    return result


def print_program(program, result):
    exact = result["exact"]
    cells = "".join(f"{figures['ratio']:8.2f} {figures['tree_ratio']:5.2f}"
                    for name, figures in result.items() if name != "bare")
    print(f"{program:11}{result['bare']['cpu_seconds']:6.2f}{cells}"
          f"{exact['events'] / 1e6:8.1f}{exact['ns_per_event']:6.0f}"
          f"{exact['events_per_second'] / 1e6:7.1f}{exact['peak_rss_bytes'] / 2**20:7.0f}"
          f"{exact['collector_peak_rss_bytes'] / 2**20:6.0f}{exact['disk_bytes'] / 2**10:8.0f}",
          flush=True)


def geometric_mean(values):
    return math.exp(statistics.fmean(math.log(value) for value in values))


def print_means(results):
    first = next(iter(results.values()))
    for name in first:
        if name != "bare":
            ratio, tree = (geometric_mean([result[name][key] for result in results.values()])
                           for key in ("ratio", "tree_ratio"))
            print(f"{name}: geometric mean {ratio:.2f}, of the tree {tree:.2f}")


def machine(python):
    model = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
             if line.startswith("model name")]
    version = subprocess.run([python, "-VV"], check=True, capture_output=True, text=True).stdout
    return {"processor": model[0] if model else platform.machine(), "processors": os.cpu_count(),
            "kernel": platform.release(), "python": version.strip(), "load": os.getloadavg()}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="of each program's work")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--peers", action="store_true", help="install memray and run the peers")
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help=", ".join(PROGRAMS))
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise SystemExit("can't adopt collectors")
    if arguments.peers:
        install_peers(arguments.python)
    modes, about = modes_of(arguments.python), machine(arguments.python)
    print(*(f"{key}: {value}" for key, value in about.items()), sep="\n")
    print("ratios to the bare run: CPU inside the workload, CPU of the whole tree\n")
    print(f"{'program':11}{'bare s':>6}" + "".join(f"{mode.name:>14}" for mode in modes[1:])
          + f"{'Mevents':>8}{'ns':>6}{'M/s':>7}{'MiB':>7}{'coll':>6}{'KiB':>8}")
    results = {}
    for program in arguments.programs or PROGRAMS:
        results[program] = bench(program, modes, arguments.rounds, arguments.scale)
        print_program(program, results[program])
    print_means(results)
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": about, "results": results}, indent=1))


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""Runs programs of known kind under the tracer and counts what the report says of them.

    MEMTRACE_BUILD=build tests/truth/run.py [--count 200] [--seed 1] [--jobs N] [--python PATH] [--marked]
        [--keep FOLDER]

Every fourth program makes no marks and lasts twelve seconds, most of which it sleeps; --marked has all of them
make marks: what is found is then the same on a slow machine. Prints a table of kinds
against verdicts and one of lines against trends, then each that is wrong by its seed: `--seed S --count 1` runs
that one again, and --keep leaves its program, its profile and its report. The exit status is 1 where more
than 2 % of what is no leak was called one, or more than 5 % of the leaks were missed.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import programs

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / os.environ.get("MEMTRACE_BUILD", "build")
SECONDS = 300
MOST_FALSE, MOST_MISSED = 0.02, 0.05
UNMARKED = 4

Result = collections.namedtuple("Result", "program processes")
# What one process of a program was, and what the report says of it.
Process = collections.namedtuple("Process", "kind verdict lines")


def environment(folder):
    kept = {key: value for key, value in os.environ.items()
            if not key.startswith(("MEMTRACE_", "PYTHON", "LD_PRELOAD"))}
    return {**kept, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "MEMTRACE_WAIT": "60s",
            "LD_PRELOAD": str(BUILD / "libmemtrace.so"), "MEMTRACE_OUT": str(folder / "%p.memtrace")}


def report_of(path):
    done = subprocess.run([BUILD / "memtrace", "report", "--json", "-n", "0", path], capture_output=True,
                          text=True, timeout=SECONDS, check=True)
    path.with_suffix(".json").write_text(done.stdout)
    return json.loads(done.stdout)


def judged(program, script, report, leaking):
    """One process. In a worker that doesn't leak the main part never runs."""
    truth = programs.lines_of(program)
    kind = program.kind if leaking else "none"
    lines = []
    for row in report["growth"]:
        what = truth.get(row["line"]) if row["file"] == str(script) else None
        if what == "leak" and not leaking:
            what = None
        if what or row["trend"] not in ("none", "too short"):
            lines.append((what or "rest", row["trend"], f"{row['file']}:{row['line']}"))
    missing = set(truth) - {row["line"] for row in report["growth"] if row["file"] == str(script)}
    lines += [(truth[line], "none", f"{script}:{line}") for line in missing if truth[line] != "leak" or leaking]
    verdict = report["verdict"]["kind"] if report["verdict"] else "none"
    return Process(kind, verdict, lines)


def run(program, python, folder):
    """Traces it in a folder of its own."""
    folder = folder / str(program.seed)
    folder.mkdir(parents=True)
    script = folder / "program.py"
    script.write_text(program.text)
    done = subprocess.run([python, script], env=environment(folder), capture_output=True, text=True,
                          timeout=SECONDS)
    if done.returncode:
        raise RuntimeError(f"seed {program.seed}: {done.stderr}")
    reports = [report_of(path) for path in sorted(folder.glob("*.memtrace"))]
    doubts = [doubt for report in reports for doubt in report["doubts"]]
    if len(reports) != 1 + program.workers or doubts:
        raise RuntimeError(f"seed {program.seed}: {len(reports)} profiles, {doubts}")
    leaker = int(done.stdout.split()[1]) if program.workers else reports[0]["process"]["pid"]
    return Result(program, [judged(program, script, report, report["process"]["pid"] == leaker)
                            for report in reports])


def table(title, counts):
    columns = sorted({column for _, column in counts})
    print(f"{title:16}", *(f"{column:>14}" for column in columns))
    for row in sorted({row for row, _ in counts}):
        print(f"{row:16}", *(f"{counts[row, column] or '.':>14}" for column in columns))
    print()


def part(count, of):
    return f"{count} of {of} ({100 * count / of if of else 0:.1f} %)"


class Tally:
    """The tables, and the four figures that have limits."""

    def __init__(self):
        self.verdicts, self.lines = collections.Counter(), collections.Counter()
        self.wrong = []

    def add(self, result):
        program = result.program
        where = f"seed {program.seed} ({program.main}{'' if program.marked else ', by time'})"
        for process in result.processes:
            self.verdicts[process.kind, process.verdict] += 1
            if process.verdict not in programs.RIGHT_VERDICTS[process.kind]:
                self.wrong.append(f"{where}: verdict {process.verdict}")
            for what, trend, line in process.lines:
                self.lines[what, trend] += 1
                if trend not in programs.RIGHT_TRENDS.get(what, {"none", "fills", "grows"}):
                    self.wrong.append(f"{where}: {what} line {line} {trend}")

    @staticmethod
    def errors(counts, is_leak, called):
        """(false ones, of how many; missed ones, of how many)."""
        false = sum(n for (what, said), n in counts.items() if said == called and not is_leak(what))
        others = sum(n for (what, _), n in counts.items() if not is_leak(what))
        missed = sum(n for (what, said), n in counts.items() if said != called and is_leak(what))
        leaks = sum(n for (what, _), n in counts.items() if is_leak(what))
        return false, others, missed, leaks

    def print(self):
        table("program", self.verdicts)
        table("line", self.lines)
        for sentence in self.wrong:
            print(sentence)
        good = True
        for name, counts, called in (("verdicts", self.verdicts, "leak"), ("lines", self.lines, "leaks")):
            false, others, missed, leaks = self.errors(counts, lambda what: what.endswith("leak"), called)
            print(f"{name}: false leaks {part(false, others)}, missed leaks {part(missed, leaks)}")
            good = good and false <= MOST_FALSE * others and missed <= MOST_MISSED * leaks
        return good


def run_all(made, python, jobs, folder):
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda program: run(program, python, folder), made)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--marked", action="store_true")
    parser.add_argument("--keep", type=pathlib.Path)
    arguments = parser.parse_args()
    seeds = range(arguments.seed, arguments.seed + arguments.count)
    marked = [programs.make(seed) for seed in seeds if arguments.marked or seed % UNMARKED]
    # Those that sleep most of the time, many at once.
    unmarked = [programs.make(seed, marked=False) for seed in seeds if not arguments.marked and seed % UNMARKED == 0]
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="memtrace-truth-") as temporary:
        folder = arguments.keep or pathlib.Path(temporary)
        for made, jobs in ((marked, arguments.jobs), (unmarked, 4 * arguments.jobs)):
            for result in run_all(made, arguments.python, jobs, folder):
                tally.add(result)
    return 0 if tally.print() else 1


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""CPython's own test suite under the library, compared test by test with a run without it.

    MEMTRACE_BUILD=build tests/cpython/run.py [-m MODULE]... [-j N] [PYTHON...]

PYTHON are interpreters with the `test` package; by default all that the other tests use and that have it.
A test that differs is run again several times, with and without the library in turn: it counts as changed
only if it differs the same way each time, otherwise as flaky. Exit status: 1 if a test has changed that
differences.txt doesn't list.
"""

import argparse
import collections
import concurrent.futures
import fnmatch
import functools
import os
import pathlib
import sys

import suite

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))


class Listed:
    """A line of differences.txt."""

    def __init__(self, line):
        what, self.reason = line.split(" -- ", 1)
        versions, self.module, self.test = what.split(None, 2)
        self.lowest, self.highest = self.range_of(versions)

    @staticmethod
    def range_of(text):
        if text == "all":
            return (0, 0), (99, 99)
        ends = [tuple(map(int, end.split("."))) for end in text.split("-")]
        return ends[0], ends[-1]

    def covers(self, version, module, test):
        return self.concerns(version, module) and fnmatch.fnmatchcase(test, self.test)

    def concerns(self, version, module):
        return self.lowest <= version <= self.highest and module == self.module


def listed_differences():
    lines = (suite.HERE / "differences.txt").read_text().splitlines()
    return [Listed(line) for line in lines if line.strip() and not line.startswith("#")]


class Comparison:
    """One module under one interpreter."""

    def __init__(self, interpreter, module, library, cache):
        self.interpreter, self.module = interpreter, module
        self.bare = cache.bare(interpreter, module)
        self.traced = suite.run(interpreter, module, library)
        names = suite.differing(self.bare, self.traced)
        self.changed, self.flaky = suite.settle(interpreter, module, library, names)

    def told(self, names):
        for name in sorted(names):
            yield (f"  {self.interpreter.release} {self.module} {name}: bare {self.bare.results.get(name)}, "
                   f"traced {self.traced.results.get(name)}")

    def unexpected(self, listed):
        return {name for name in self.changed
                if not any(line.covers(self.interpreter.version, self.module, name) for line in listed)}

    def is_empty(self):
        return len(self.bare.results) == 1 and len(self.traced.results) == 1

    def line(self):
        passed = sum(1 for result in self.traced.results.values() if result == "passed")
        return (f"{self.interpreter.release:8} {self.module:36} {len(self.traced.results) - 1:6} {passed:6} "
                f"{len(self.changed):8} {len(self.flaky):6} {self.bare.seconds:7.1f} "
                f"{self.traced.seconds:8.1f} {self.traced.profiles.count:8} {self.traced.profiles.blocks:10}")


HEADER = (f"{'python':8} {'module':36} {'tests':>6} {'passed':>6} {'changed':>8} {'flaky':>6} {'bare s':>7} "
          f"{'traced s':>8} {'profiles':>8} {'audited':>10}")


def report(comparison, listed):
    """Prints a module's row and what differs; returns whether that is in order."""
    print(comparison.line())
    unexpected = comparison.unexpected(listed)
    for title, names in (("changed", unexpected), ("changed, as listed", comparison.changed - unexpected),
                         ("flaky", comparison.flaky)):
        for text in comparison.told(names):
            print(f"{text}  [{title}]")
    if comparison.is_empty():
        print(f"  {comparison.interpreter.release} {comparison.module}: no test to compare, the run "
              f"{comparison.traced.results[suite.WHOLE]}")
    for text, times in collections.Counter(comparison.traced.profiles.doubts).items():
        print(f"  {comparison.interpreter.release} {comparison.module}: {': '.join(text)}  "
              f"[{times} profiles]")
    for name in sorted(unexpected):
        print(comparison.traced.texts.get(name, "").rstrip() or "(it says nothing)")
    for line in listed:
        if line.concerns(comparison.interpreter.version, comparison.module) and not any(
                fnmatch.fnmatchcase(name, line.test) for name in comparison.changed):
            print(f"  {comparison.interpreter.release} {line.module} {line.test}: listed, and the same")
    sys.stdout.flush()
    return not unexpected


def default_interpreters():
    import conftest
    return list(conftest.INTERPRETERS.values())


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("-m", "--module", action="append", help="only these")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="modules side by side")
    parser.add_argument("--no-cache", action="store_true", help="run without the library, too")
    parser.add_argument("python", nargs="*")
    return parser.parse_args()


def cache_folder():
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(os.environ.get("MEMTRACE_CACHE") or os.path.join(home, "memtrace")) / "cpython-tests"


def main():
    options = parse()
    library = ROOT / os.environ.get("MEMTRACE_BUILD", "build") / "libmemtrace.so"
    # What a test says of its failure may hold anything.
    sys.stdout.reconfigure(errors="backslashreplace")
    listed = listed_differences()
    cache = suite.Cache(cache_folder())
    done, good = [], True
    print(HEADER)
    for path in options.python or default_interpreters():
        interpreter = suite.Interpreter(path)
        if not interpreter.usable:
            print(f"{path}: has no package of tests")
            continue
        modules = [name for name in options.module or suite.listed_modules() if name in interpreter.modules]
        compare = functools.partial(Comparison, interpreter, library=library, cache=cache)
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for comparison in pool.map(compare, modules):
                done.append(comparison)
                good &= report(comparison, listed)
    tests = sum(len(comparison.traced.results) - 1 for comparison in done)
    print(f"{len({c.interpreter.path for c in done})} interpreters, "
          f"{sum(not c.is_empty() for c in done)} modules, {tests} tests: "
          f"{sum(len(c.unexpected(listed)) for c in done)} changed, "
          f"{sum(len(c.changed) for c in done)} with those listed, {sum(len(c.flaky) for c in done)} flaky")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

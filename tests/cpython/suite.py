"""Runs one module of CPython's own test suite, with the library or without, and says how each test ended."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
# The result of a run as a whole stands among those of its tests under this name.
WHOLE = "(module)"
# In seconds. A module takes a few minutes at most. Some of the old ones stop for ever now and then.
LONGEST = 600
# How long processes may outlive a run, in seconds: collectors finish their profiles.
LINGER = 60
PROFILES_AT_ONCE = 50
# The worse one holds where an id occurs twice.
ORDER = ("passed", "skipped", "failed", "error")


class Interpreter:
    """One with the `test` package."""

    def __init__(self, path):
        self.path = str(path)
        code = ("import sys, os, test.support as s, json;"
                "d = os.path.dirname(os.path.dirname(os.path.abspath(s.__file__)));"
                "print(json.dumps([list(sys.version_info[:2]), sys.version.split()[0], os.listdir(d)]))")
        done = subprocess.run([self.path, "-c", code], capture_output=True, text=True)
        # Debian's plain packages have the runner and no tests.
        self.usable = done.returncode == 0 and "test_dict.py" in done.stdout
        if self.usable:
            version, self.release, names = json.loads(done.stdout)
            self.version = tuple(version)
            self.modules = {name[:-3] if name.endswith(".py") else name for name in names}

    def identity(self):
        """Another build at the same path is another interpreter."""
        real = os.stat(os.path.realpath(self.path))
        return f"{os.path.realpath(self.path)} {self.release} {real.st_size} {int(real.st_mtime)}"


def listed_modules(quick=False):
    """The names in modules.txt, in its order."""
    lines = [line.split("#")[0].split() for line in (HERE / "modules.txt").read_text().splitlines()]
    return [words[0] for words in lines if words and (not quick or "quick" in words)]


def left_out(module):
    """Patterns of tests of a module that aren't run: "without=PATTERN" in modules.txt."""
    lines = [line.split("#")[0].split() for line in (HERE / "modules.txt").read_text().splitlines()]
    return [word.partition("=")[2] for words in lines if words[:1] == [module] for word in words[1:]
            if word.startswith("without=")]


def environment(folder, library):
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith(("MEMTRACE_", "PYTHON", "LD_PRELOAD"))}
    kept["TMPDIR"] = str(folder / "tmp")
    if library:
        kept["LD_PRELOAD"] = str(library)
        # Some tests count the lines that a child prints on a terminal, where there is one of ours at its end.
        kept["MEMTRACE_QUIET"] = "1"
        kept["MEMTRACE_OUT"] = str(folder / "out" / "%x.%p.memtrace")
    return kept


def processes_of(folder):
    """Processes that came out of a run: all have its folder in their environment or in their arguments."""
    word = os.fsencode(folder)
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                text = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if word in text:
                found.append((int(entry.name), (entry / "comm").read_text().strip()
                              if (entry / "comm").exists() else "?"))
    return found


def end_processes(folder):
    """Waits for what still runs, ends what doesn't by itself, and returns the names of those."""
    until = time.monotonic() + LINGER
    while processes_of(folder) and time.monotonic() < until:
        time.sleep(0.1)
    left = processes_of(folder)
    for pid, _ in left:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    return sorted(name for _, name in left)


def result_of(case):
    if case.find("error") is not None:
        return "error"
    if case.find("failure") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def read_results(path):
    """Test id -> (result, what it says of a failure)."""
    results = {}
    try:
        root = xml.etree.ElementTree.parse(path)
    except (OSError, xml.etree.ElementTree.ParseError):
        return results
    for case in root.iter("testcase"):
        if not case.get("name"):
            continue
        # An id may contain the address of an object.
        name = re.sub(r"0x[0-9a-f]+", "0x...", case.get("name"))
        result = result_of(case)
        if name not in results or ORDER.index(results[name][0]) < ORDER.index(result):
            text = "\n".join(child.text or "" for child in case if child.tag in ("error", "failure"))
            results[name] = result, text
    return results


def whole_result(status, output, results, left):
    """How the run ended, apart from the tests that tell of themselves."""
    if status is None:
        return "didn't end"
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    if left:
        return "left behind: " + " ".join(left)
    if "altered the execution environment" in output:
        return "environment changed"
    if not results:
        return "skipped" if re.search(r"^\d+ tests? skipped", output, re.MULTILINE) else f"status {status}"
    failed = any(result in ("failed", "error") for result, _ in results.values())
    # A doctest that fails is in no list.
    return "ran" if failed or status == 0 else f"status {status}"


class Profiles:
    """What the profiles of a traced run say of themselves: how many there are, the blocks that their audits
    compared, and (program, sentence) for what is doubtful in one."""

    def __init__(self):
        self.count = self.blocks = 0
        self.doubts = []

    def add(self, report):
        program = report["process"]["program"]
        self.count += 1
        self.blocks += report["audit"]["blocks"] if report["audit"] else 0
        self.doubts += [(program, sentence) for sentence in report["doubts"]]


def read_profiles(folder, command):
    """Of all profiles in a folder, a few at a time, for there may be hundreds."""
    found, paths = Profiles(), sorted(map(str, folder.iterdir()))
    side = [path for path in paths if not path.endswith(".memtrace") and not re.search(r"-\d+$", path)]
    found.doubts += [("", f"{os.path.basename(path)} was left") for path in side]
    paths = [path for path in paths if path not in side]
    for first in range(0, len(paths), PROFILES_AT_ONCE):
        some = paths[first:first + PROFILES_AT_ONCE]
        done = subprocess.run([command, "report", "--json", "-n", "1", *some], capture_output=True, text=True)
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            found.doubts.append(("", f"can't be read: {done.stderr.strip()}"))
            continue
        for report in answer.get("reports", [answer]):
            found.add(report)
    return found


class Outcome:
    """results: test id -> one of ORDER, and WHOLE -> how the run ended. texts: what failures say."""

    def __init__(self, results, texts, seconds=0.0):
        self.results, self.texts, self.seconds = results, texts, seconds
        self.profiles = Profiles()


def run(interpreter, module, library=None, tests=()):
    """All tests of a module, or those of the ids `tests`."""
    # Short, for names of sockets lie in it.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="suite-"))
    for name in ("tmp", "out"):
        (folder / name).mkdir()
    command = [interpreter.path, "-m", "test", "--fail-env-changed", "--junit-xml", str(folder / "xml"),
               "--tempdir", str(folder / "tmp"), "-u", "subprocess"]
    for test in tests:
        command += ["-m", test]
    for pattern in left_out(module):
        command += ["--ignore", pattern]
    began = time.monotonic()
    try:
        with open(folder / "output", "wb") as output:
            child = subprocess.Popen([*command, module], cwd=folder / "tmp", stdin=subprocess.DEVNULL,
                                     stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                                     env=environment(folder, library))
            try:
                status = child.wait(LONGEST)
            except subprocess.TimeoutExpired:
                status = None
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        seconds = time.monotonic() - began
        left = end_processes(folder)
        found = read_results(folder / "xml")
        text = (folder / "output").read_text(errors="replace")
        results = {name: result for name, (result, _) in found.items()}
        results[WHOLE] = whole_result(status, text, found, left)
        if library and not any((folder / "out").iterdir()):
            results[WHOLE] = "not traced"
        texts = {name: said for name, (_, said) in found.items() if said}
        texts[WHOLE] = text[-3000:]
        outcome = Outcome(results, texts, seconds)
        if library:
            outcome.profiles = read_profiles(folder / "out", pathlib.Path(library).parent / "memtrace")
        return outcome
    finally:
        end_processes(folder)
        shutil.rmtree(folder, ignore_errors=True)


def differing(bare, traced):
    """The ids whose results aren't the same, in order."""
    return sorted(name for name in {*bare.results, *traced.results}
                  if bare.results.get(name) != traced.results.get(name))


def confirm(interpreter, module, library, tests, rounds, alone):
    """Those of `tests` that differ in each of `rounds` further pairs of runs: traced, bare, traced, bare...
    with the same result each time. `alone`: without the module's other tests."""
    left, first = set(tests), None
    for _ in range(rounds):
        if not left:
            break
        names = sorted(left) if alone else ()
        traced = run(interpreter, module, library, names)
        bare = run(interpreter, module, None, names)
        pairs = {name: (bare.results.get(name), traced.results.get(name)) for name in left}
        left = {name for name, (one, other) in pairs.items()
                if one != other and (first is None or first.get(name) == (one, other))}
        first = {name: pairs[name] for name in left}
    return left


def settle(interpreter, module, library, names, rounds=3):
    """(changed, flaky): a test that differed once has changed if it does so again and again, by itself or, if
    not by itself, among the others of its module."""
    single = {name for name in names if name != WHOLE}
    changed = confirm(interpreter, module, library, single, rounds, alone=True)
    changed |= confirm(interpreter, module, library, set(names) - changed, rounds - 1, alone=False)
    return changed, set(names) - changed


class Cache:
    """What bare runs gave, by interpreter and module."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def bare(self, interpreter, module):
        path = self.folder / f"{interpreter.release}-{module}.json"
        key = interpreter.identity()
        try:
            kept = json.loads(path.read_text())
            if kept["interpreter"] == key:
                return Outcome(kept["results"], kept["texts"], kept["seconds"])
        except (OSError, ValueError, KeyError):
            pass
        outcome = run(interpreter, module)
        if outcome.results[WHOLE] == "didn't end":
            return outcome
        self.folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"interpreter": key, "seconds": outcome.seconds,
                                    "results": outcome.results, "texts": outcome.texts}))
        return outcome


if __name__ == "__main__":
    sys.exit("this is a part of run.py")

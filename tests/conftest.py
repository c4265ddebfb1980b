"""Fixtures: the interpreters to test under, and `trace`, which runs a program under the tracer."""

import collections
import functools
import glob
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/reader"))
try:
    import memtrace_profile as page
    from compare import compare as compare_by_page
    from promises import check_promises
except ImportError:  # without zstd for Python; test_reader.py says so
    page = compare_by_page = None
# In bytes of a profile: comparing every record is slow.
LARGEST_COMPARED = 1 << 20
# (test file, version of Python) of the profiles that were compared record by record.
compared = set()
BUILD = ROOT / os.environ.get("MEMTRACE_BUILD", "build")
LIBRARY = BUILD / "libmemtrace.so"
COMMAND = BUILD / "memtrace"
PROGRAMS = ROOT / "tests/e2e/programs"
WANTED = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15")
PROFILE_MAGIC = b"MEMTPRF1"
CONSERVED = 1
# In slots: a record with a text behind it.
LONGEST_RECORD = 513
SECONDS = 120


def unpacked_interpreters():
    """Those that scripts/interpreters made."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    cache = os.environ.get("MEMTRACE_CACHE") or os.path.join(home, "memtrace")
    return {os.path.basename(os.path.dirname(path)): path
            for path in sorted(glob.glob(os.path.join(cache, "pythons/*/python3")))}


def find_interpreters():
    """name -> path. MEMTRACE_TEST_PYTHONS (paths, separated by colons) replaces the search."""
    named = os.environ.get("MEMTRACE_TEST_PYTHONS")
    if named:
        return {path: path for path in named.split(":") if path}
    found = {}
    if os.path.exists("/usr/bin/python3.11"):
        found["debian-3.11"] = "/usr/bin/python3.11"
    for version in WANTED:
        for folder in sorted(glob.glob(os.path.expanduser(f"~/.pyenv/versions/{version}.*"))):
            if re.fullmatch(r"[\d.]+", os.path.basename(folder)):
                found["pyenv-" + os.path.basename(folder)] = folder + "/bin/python3"
    return {**found, **unpacked_interpreters()}


INTERPRETERS = find_interpreters()
ANY_PYTHON = next(iter(INTERPRETERS.values()), "/usr/bin/python3")


@functools.cache
def python_version(python):
    text = subprocess.run([python, "-c", "import sys; print(*sys.version_info[:3])"],
                          check=True, capture_output=True, text=True).stdout
    return tuple(map(int, text.split()))


Build = collections.namedtuple("Build", "version free_threaded empty_bytes empty_text")


@functools.cache
def python_build(python):
    """What sizes depend on: the version, whether there is a GIL, and what an empty bytes and str take."""
    code = ("import sys, sysconfig; g = sys.getsizeof;"
            "print(sysconfig.get_config_var('Py_GIL_DISABLED') or 0, g(b''), g(''))")
    free_threaded, *empty = map(int, subprocess.run([python, "-c", code], check=True, capture_output=True,
                                                    text=True).stdout.split())
    return Build(python_version(python), bool(free_threaded), *empty)


def is_free_threaded(python):
    return python_build(python).free_threaded


def needs_plain_blocks(python):
    """Skips where blocks aren't as large as their objects: a debug build puts headers around each."""
    code = "import sysconfig; raise SystemExit(sysconfig.get_config_var('Py_DEBUG') or 0)"
    if subprocess.run([python, "-c", code]).returncode:
        pytest.skip("a debug build's blocks have headers of their own")


def clean_environment(**more):
    """Ours, without what would change a traced program."""
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith(("MEMTRACE_", "PYTHON", "LD_PRELOAD"))}
    kept.update(PYTHONDONTWRITEBYTECODE="1", PYTHONHASHSEED="0")
    kept.update({k: str(v) for k, v in more.items() if v is not None})
    return kept


def memtrace(*args, cwd=None, user=None, **variables):
    """The command, with the environment cleaned of what would change it, and nobody at its terminal."""
    prefix = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
    return subprocess.run([*prefix, COMMAND, *map(str, args)], env=clean_environment(**variables), cwd=cwd,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)


def shared_object(folder, source, *flags):
    """A C source of tests/e2e/programs as a shared object in that folder."""
    library = folder / pathlib.Path(source).with_suffix(".so").name
    subprocess.run([os.environ.get("CC", "cc"), "-O2", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library,
                    PROGRAMS / source, *flags], check=True)
    return library


@pytest.fixture(scope="session")
def pool_witness(tmp_path_factory):
    """A library by which the program itself asks its interpreter, its C heap and the kernel."""
    return shared_object(tmp_path_factory.mktemp("pool_witness"), "pool_witness.c", "-ldl")


def is_profile(path):
    with open(path, "rb") as file:
        return file.read(8) == PROFILE_MAGIC


class Profile:
    """One profile, as the command reads it."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self._dump = self._run = None

    def report(self, *args):
        return json.loads(self.report_text("--json", "-n", "0", *args))

    def report_text(self, *args, **variables):
        done = memtrace("report", *args, self.path, **variables)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def dump(self):
        if self._dump is None:
            done = memtrace("dump", "--json", self.path)
            assert done.returncode == 0, done.stderr
            self._dump = [json.loads(line) for line in done.stdout.splitlines()]
        return self._dump

    def section(self, name):
        return [record for record in self.dump() if record["section"].rstrip("_") == name]

    def info(self):
        """key -> value of what the library said of the process."""
        return {record["key"]: record["value"] for record in self.section("INFO")}

    def run_record(self):
        """One of the first lines of the dump: all of it takes as long as the profile is large."""
        if self._run is None:
            with subprocess.Popen([COMMAND, "dump", "--json", self.path], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True) as dump:
                records = map(json.loads, dump.stdout)
                self._run = next(r for r in records if r["section"].rstrip("_") == "RUN")
                dump.stdout.close()
        return self._run

    def blocks(self):
        """address -> record of each live block."""
        return {record["address"]: record for record in self.section("BLK")}

    def chains(self):
        """stack id -> ((file, function, line), ...) as Python shows it, innermost first, without the thread."""
        chains = {0: ()}
        for node in self.section("NODE"):
            below = chains[node["parent"]]
            frame = (node.get("file"), node.get("function"), node.get("line"))
            shown = frame[0] is not None and not node["hidden"]
            chains[node["id"]] = ((frame,) + below) if shown else below
        return chains

    def threads(self):
        """stack id -> slot of the thread at its root."""
        slots = {0: None}
        for node in self.section("NODE"):
            slots[node["id"]] = node["thread"] if node["parent"] == 0 else slots[node["parent"]]
        return slots

    def line(self, file, line, *args):
        """The report's entry of one source line, all zero where it has none."""
        for entry in self.report(*args)["growth"]:
            if entry["file"] == str(file) and entry["line"] == line:
                return entry
        return dict.fromkeys(("size_bytes", "count", "total_count", "total_bytes", "size_diff_bytes",
                              "count_diff", "temporary_count", "gc_freed_bytes"), 0)

    def check(self, killed=False):
        """What must hold for every run, whatever it did. `killed`: by somebody else, at a moment that it
        didn't choose. Then each of its threads may have been in the middle of one record."""
        run = self.run_record()
        assert int(run["flags"]) & CONSERVED, "allocated - freed != live for some stack"
        for figure in ("replaced", "misplaced", "checks_differing", "bad_records"):
            assert run[figure] == 0, figure
        in_progress = len(self.section("THRD")) * LONGEST_RECORD if killed else 0
        assert run["lost_slots"] <= in_progress
        assert run["checks"] > 0, "the line tables were never compared with the interpreter"
        profile = self.read_by_page()
        if profile:
            self.compare_by_page(profile)

    def read_by_page(self):
        """The reader that was written from the manual page reads it, and its figures agree with each other."""
        if not page:
            return None
        profile = page.Profile.open(self.path)
        assert not profile.problems, profile.problems
        check_promises(profile)
        return profile

    def compare_by_page(self, profile):
        """Record by record with what the command reads: the first of each test file and interpreter, for
        it takes far longer than reading."""
        test_file = os.environ.get("PYTEST_CURRENT_TEST", "").split("::")[0]
        key = test_file, profile.info.get("python")
        if key not in compared and self.path.stat().st_size <= LARGEST_COMPARED:
            compared.add(key)
            compare_by_page(self.path, self.dump())


class Run(Profile):
    """A traced run: its profile (the first one), its output, its folder."""

    def __init__(self, done, folder, path):
        super().__init__(path)
        self.status, self.stdout, self.stderr = done.returncode, done.stdout, done.stderr
        self.folder = folder

    def profiles(self):
        return [Profile(path) for path in find_profiles(self.folder)]


def find_profiles(folder):
    return sorted(path for path in pathlib.Path(folder).iterdir() if path.is_file() and is_profile(path))


def wait_for(condition, seconds=SECONDS, what="it"):
    """Polls until condition() is true, and returns what it gave."""
    until = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < until, f"no {what} after {seconds} s"
        time.sleep(0.02)


def lines_of(path, text):
    """The numbers of the lines that contain `text`."""
    return [n for n, line in enumerate(pathlib.Path(path).read_text().splitlines(), 1) if text in line]


def line_of(path, text):
    """The number of the only line that contains `text`."""
    lines = lines_of(path, text)
    assert len(lines) == 1, (path, text, lines)
    return lines[0]


def few_interpreters():
    """The first, the oldest and the newest: for what differs by version little or not at all."""
    by_age = sorted(INTERPRETERS, key=lambda name: python_version(INTERPRETERS[name]))
    return list(dict.fromkeys([*list(INTERPRETERS)[:1], *by_age[:1], *by_age[-1:]]))


def pytest_configure(config):
    config.addinivalue_line("markers", "hazard(name, ...): the sections of HAZARDS.md that a test shows")


def pytest_generate_tests(metafunc):
    """`python` is each interpreter in turn in files that say EVERY_INTERPRETER = True, a few in the others."""
    if "python" in metafunc.fixturenames and not any(
            "python" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")):
        every = getattr(metafunc.module, "EVERY_INTERPRETER", False) or os.environ.get("MEMTRACE_TEST_LONG")
        names = list(INTERPRETERS) if every else few_interpreters()
        metafunc.parametrize("python", [INTERPRETERS[name] for name in names], ids=names, scope="session")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """So that a fixture knows whether its test passed."""
    report = (yield).get_result()
    item.passed = report.passed and getattr(item, "passed", True)


@pytest.fixture
def tmp_path(tmp_path, request):
    """pytest's own, gone when the test has passed: pytest keeps those of three runs, and profiles are large."""
    yield tmp_path
    if getattr(request.node, "passed", False):
        shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture(scope="session")
def any_python():
    """One interpreter, for what doesn't depend on its version."""
    return ANY_PYTHON


class Tracer:
    def __init__(self, folder):
        self.out = folder / "out"
        self.out.mkdir()
        self.work = folder

    def environment(self, **more):
        return clean_environment(**{"LD_PRELOAD": LIBRARY,
                                    "MEMTRACE_OUT": self.out / "run.memtrace", **more})

    def start(self, python, *args, env=None, **kwargs):
        """Starts a traced program and leaves it running."""
        return subprocess.Popen([python, *map(str, args)], env=self.environment(**(env or {})),
                                cwd=self.work, **kwargs)

    def wait_for_profile(self):
        """The collector outlives a program that was killed by a moment."""
        def finished():
            # A profile of a program that still runs has a ring beside it.
            return not list(self.out.glob("*.ring*")) and find_profiles(self.out)
        return Profile(wait_for(finished, what="profile")[0])

    def __call__(self, python, *args, env=None, compare=True, check=True):
        command = [python, *map(str, args)]

        def run(environment):
            return subprocess.run(command, env=environment, cwd=self.work, capture_output=True, text=True,
                                  timeout=SECONDS)

        # Bare first: what a program writes to a file of its own is then the traced run's.
        bare = run(clean_environment(**(env or {}))) if compare else None
        done = run(self.environment(**(env or {})))
        if compare:
            assert (done.returncode, done.stdout, done.stderr) == (
                bare.returncode, bare.stdout, bare.stderr)
        found = find_profiles(self.out)
        assert found, f"no profile; {sorted(self.out.iterdir())}; {done.stderr}"
        run = Run(done, self.out, found[0])
        for profile in run.profiles():
            if check:
                profile.check()
            else:
                profile.read_by_page()
        return run


@pytest.fixture
def trace(tmp_path):
    """trace(python, script, args...) runs a program twice, bare and traced, and compares them."""
    return Tracer(tmp_path)


@pytest.fixture(scope="session")
def as_pid_1():
    """A command that makes another one PID 1 of a namespace; the test is skipped where none can be made."""
    command = ["unshare", "--pid", "--fork", "--mount-proc"]
    if os.getuid():
        command[1:1] = ["--user", "--map-root-user"]
    if subprocess.run([*command, "true"], capture_output=True).returncode:
        pytest.skip("'unshare --pid' isn't permitted: run it as root")
    return command

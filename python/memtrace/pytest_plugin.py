"""Memory budgets of tests: @pytest.mark.memtrace(max_growth_per_iteration=0, loops=100, max_peak="64MiB").

A marked test runs in a process of its own: `memtrace run -- python -m pytest TEST`. So the session needn't
be traced, other tests leave nothing in the figures, xdist's workers do the same as a plain session, and
the library is there before the interpreter starts, which is when it has to be. The session sets up none of
the test's fixtures, since the process does. There the test is called again and again between marks, with
what its fixtures made once, and the session judges the profile.

A marked test passes only when it was measured. What keeps it from being measured is a failure that says so;
`--no-memtrace` is the way to run such tests once, as if they weren't marked.

`--memtrace-checks=FILE` writes what was judged for `memtrace gate FILE`, which tells of it wherever it tells of
anything: annotations, code scanning, a comment.
"""

import contextlib
import functools
import gc
import inspect
import json
import logging
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

import pytest

from . import is_active, mark
from .budget import Budget, Exceeded, MeasuredProfile, NotMeasured, window_name
from .checks import CheckFile, judged, not_judged

# In the measured process: the file that its outcome goes into.
OUTCOME = "_MEMTRACE_PYTEST_OUTCOME"
LIBRARY = "libmemtrace.so"


def pytest_addoption(parser):
    group = parser.getgroup("memtrace")
    group.addoption("--memtrace", metavar="PROGRAM",
                    help="the program memtrace, where it isn't in PATH")
    group.addoption("--no-memtrace", action="store_true",
                    help="run tests that are marked memtrace once, without measuring them")
    group.addoption("--memtrace-checks", metavar="FILE",
                    help="write what measured tests were judged for `memtrace gate FILE`")
    group.addoption("--memtrace-keep", metavar="FOLDER",
                    help="keep the profiles of measured tests in this folder")
    parser.addini("memtrace_args", "further arguments of pytest in a measured test's process", type="args",
                  default=[])


def pytest_configure(config):
    config.addinivalue_line("markers", "memtrace(max_growth_per_iteration=0, max_peak=None, loops=100, "
                            "warmup=5): measure the memory of this test and fail beyond the limits")
    path = config.getoption("memtrace_checks")
    # Under xdist the workers' reports come to the session that began them.
    if path and not hasattr(config, "workerinput") and OUTCOME not in os.environ:
        config.pluginmanager.register(CheckFile(config, path), "memtrace-checks")


def pytest_report_header(config):
    if config.getoption("no_memtrace"):
        return "memtrace: off by --no-memtrace, no limit is checked"
    return None


def budget_of(item):
    """The nearest mark's arguments win over those of the class or module."""
    arguments = {}
    for marker in reversed(list(item.iter_markers("memtrace"))):
        if marker.args:
            raise NotMeasured("@pytest.mark.memtrace takes its arguments by name")
        arguments.update(marker.kwargs)
    return Budget(arguments)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    if config.getoption("no_memtrace"):
        return
    for item in items:
        if item.get_closest_marker("memtrace") is None:
            continue
        if OUTCOME in os.environ:
            repeat(item)
        else:
            item.setup = item.teardown = lambda: None
            item.runtest = functools.partial(measure, item)
            item.repr_failure = functools.partial(failure_text, item, item.repr_failure)


# In the session.

def failure_text(item, usual, excinfo, *args, **kwargs):
    if excinfo.errisinstance((NotMeasured, Exceeded, InnerFailure)):
        prefix = "memtrace: not measured: " if excinfo.errisinstance(NotMeasured) else ""
        return prefix + str(excinfo.value)
    return usual(excinfo, *args, **kwargs)


class InnerFailure(Exception):
    """The test itself failed in its process, as pytest told it there."""


def measure(item):
    """What it finds stays with the item, for the report of it."""
    try:
        judge(item)
    except Exceeded as error:
        item.memtrace_checks = judged(item, error.checks)
        raise
    except (NotMeasured, InnerFailure) as error:
        item.memtrace_checks = not_judged(item, error)
        raise


def judge(item):
    budget = budget_of(item)
    keep = item.config.getoption("memtrace_keep")
    with contextlib.ExitStack() as stack:
        if keep:
            folder = pathlib.Path(keep).resolve()
            folder.mkdir(parents=True, exist_ok=True)
        else:
            folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="memtrace-")))
        profile = folder / (re.sub(r"[^\w.-]+", "_", item.nodeid)[-150:] + ".memtrace")
        measure_into(item, budget, profile)


def measure_into(item, budget, path):
    command = find_command(item.config)
    test = [sys.executable, "-m", "pytest", *inner_arguments(item)]
    outcome = path.with_suffix(".outcome")
    for stale in (path, outcome):
        with contextlib.suppress(FileNotFoundError):
            stale.unlink()
    # %% and not %, which would begin a pattern.
    pattern = str(path).replace("%", "%%")
    done = subprocess.run([command, "run", "--follow=none", "-o", pattern, "--", *test],
                          cwd=str(item.config.invocation_params.dir), env=inner_environment(outcome),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True, errors="replace")
    told = read_outcome(outcome, done)
    if told["outcome"] == "skipped":
        pytest.skip(told["text"])
    if told["outcome"] == "failed":
        raise InnerFailure(told["text"])
    if not told["traced"] or not path.is_file():
        raise NotMeasured(f"{LIBRARY} wasn't active in {sys.executable}; `memtrace doctor -- "
                          f"{sys.executable}` says why")
    try:
        checks = budget.check(MeasuredProfile(command, path))
    except Exceeded as error:
        raise Exceeded(f"{error}\nreproduce: {sys.executable} -m pytest {shlex.quote(item.nodeid)} "
                       "--memtrace-keep=FOLDER\n"
                       f"      then: memtrace report --from {window_name(0)} --to "
                       f"{window_name(len(budget.windows()))} FOLDER/{path.name}", error.checks) from None
    item.memtrace_checks = judged(item, checks)
    item.user_properties.append(("memtrace", ", ".join(check.figure for check in checks)))


def find_command(config):
    named = config.getoption("memtrace")
    found = shutil.which(named or "memtrace")
    if not found:
        raise NotMeasured(f"no program {named or 'memtrace'}" + ("" if named else " in PATH")
                          + "; name it with --memtrace=PROGRAM, or run without with --no-memtrace")
    return os.path.abspath(found)


def inner_arguments(item):
    """The same configuration, this one test, and nothing that would measure or distribute it again."""
    config = item.config
    manager = config.pluginmanager
    path = str(getattr(item, "path", None) or item.fspath)
    arguments = [path + item.nodeid[item.nodeid.find("::"):], "-q", "-p", "no:cacheprovider",
                 "-p", "memtrace.pytest_plugin", f"--rootdir={config.rootdir}"]
    ini = getattr(config, "inipath", None) or getattr(config, "inifile", None)
    arguments += ["-c", str(ini)] if ini else []
    arguments += ["-n0"] if manager.hasplugin("xdist") else []
    arguments += ["--no-cov"] if manager.hasplugin("_cov") or manager.hasplugin("pytest_cov") else []
    return arguments + config.getini("memtrace_args")


def inner_environment(outcome):
    """Without what the session's own tracing would ask of the test's."""
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith("MEMTRACE_") or key == "MEMTRACE_COLLECTOR"}
    others = [name for name in re.split("[ :]+", environment.pop("LD_PRELOAD", ""))
              if name and os.path.basename(name) != LIBRARY]
    if others:
        environment["LD_PRELOAD"] = ":".join(others)
    environment.setdefault("PYTHONHASHSEED", "0")
    # Imports find what the session found, however it was started.
    environment["PYTHONPATH"] = os.pathsep.join(entry for entry in sys.path if entry)
    environment[OUTCOME] = str(outcome)
    return environment


def read_outcome(path, done):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise NotMeasured(f"the test's process ended with status {done.returncode} before the test did:\n"
                          + done.stdout[-4000:]) from None


# In the measured process.

def repeat(item):
    """Lets the test be called as often as its budget says, between marks."""
    budget = budget_of(item)
    runtest = item.obj
    if inspect.iscoroutinefunction(runtest):
        @functools.wraps(runtest)
        async def again(*args, **kwargs):
            for call in rounds(budget):
                for _ in call:
                    await runtest(*args, **kwargs)
    else:
        @functools.wraps(runtest)
        def again(*args, **kwargs):
            for call in rounds(budget):
                for _ in call:
                    runtest(*args, **kwargs)
    item.obj = again


def rounds(budget):
    """Iterators over the iterations of the warm-up and of each window; a mark after each."""
    for index, iterations in enumerate([budget.warmup, *budget.windows()]):
        yield range(iterations)
        settle()
        mark(window_name(index))


def settle():
    """Only what is really kept shall be live: no garbage in cycles, no log records that pytest collects."""
    for handler in logging.getLogger().handlers:
        if type(handler).__name__ == "LogCaptureHandler":
            handler.reset()
    gc.collect()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    result = yield
    report = result.get_result()
    if call.when == "call":
        report.memtrace_checks = getattr(item, "memtrace_checks", [])
    path = os.environ.get(OUTCOME)
    if path and not (report.when == "teardown" and report.passed):
        write_outcome(path, report)


def write_outcome(path, report):
    """The call's outcome, unless setting up or tearing down said something else."""
    text = report.longreprtext
    if report.skipped and isinstance(report.longrepr, tuple):
        text = str(report.longrepr[2])
    if report.when == "setup" and report.passed:
        return
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"outcome": report.outcome, "text": text, "traced": is_active()}, file)

"""python/: the module that a program imports, and the pytest plugin that judges marked tests."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from conftest import BUILD, COMMAND, ROOT, clean_environment, memtrace
from environments import venv_python

PACKAGE = ROOT / "python"
TESTS_PYTHON = "/usr/bin/python3"
SECONDS = 900

API = """
import asyncio
import memtrace

kept = []
memtrace.mark("warm")
with memtrace.region("block"):
    kept.append(bytearray(10000))

@memtrace.region("plain")
def plain():
    kept.append(bytearray(20000))
    return 1

@memtrace.region("later")
async def later():
    await asyncio.sleep(0)
    kept.append(bytearray(30000))
    return 2

assert plain() == 1
assert asyncio.run(later()) == 2
try:
    with memtrace.region("broken"):
        raise KeyError
except KeyError:
    pass
memtrace.pause()
kept.append(bytearray(400000))
memtrace.resume()
print(memtrace.is_active())
"""


def api(folder, python, *prefix):
    program = folder / "api.py"
    program.write_text(API)
    done = subprocess.run([*prefix, python, program], env=clean_environment(PYTHONPATH=PACKAGE), cwd=folder,
                          capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_without_the_library_nothing_happens(tmp_path, python):
    assert api(tmp_path, python) == "False"


def test_marks_and_regions(tmp_path, python):
    profile = tmp_path / "api.memtrace"
    assert api(tmp_path, python, COMMAND, "run", "-o", profile, "--") == "True"
    done = memtrace("dump", profile)
    for name in ("warm", "block", "plain", "later", "broken"):
        for mark in ([name] if name == "warm" else [name + ".begin", name + ".end"]):
            assert re.search(rf"\b{re.escape(mark)}\b", done.stdout), mark
    for name, size in (("block", 10000), ("plain", 20000), ("later", 30000)):
        kept = memtrace("report", "--json", "-n", "0", "--from", name + ".begin", "--to", name + ".end",
                        profile)
        rows = json.loads(kept.stdout)["growth"]
        assert size < rows[0]["size_diff_bytes"] < size + 1000, name
        assert rows[0]["file"] == str(tmp_path / "api.py")
    whole = json.loads(memtrace("report", "--json", "-n", "0", profile).stdout)
    lines = [row["size_bytes"] for row in whole["growth"] if row["file"] == str(tmp_path / "api.py")]
    assert max(lines) < 400000, "pause() stopped nothing"


def test_every_module_suits_every_version(python):
    code = ("import pathlib, sys, memtrace.budget, memtrace.size\n"
            "for path in pathlib.Path(memtrace.__file__).parent.glob('*.py'):\n"
            "    compile(path.read_text(encoding='utf-8'), str(path), 'exec')\n")
    subprocess.run([python, "-c", code], env=clean_environment(PYTHONPATH=PACKAGE), check=True)


BUDGETS = """
import pytest

kept, cache = [], {}

@pytest.mark.memtrace(max_growth_per_iteration=0, loops=40)
def test_leaks():
    kept.append(bytearray(1000))

@pytest.mark.memtrace(max_growth_per_iteration="2KiB", loops=40)
def test_leaks_within_its_limit():
    kept.append(bytearray(1000))

@pytest.mark.memtrace(loops=40)
def test_cache_fills(tmp_path):
    cache.setdefault(len(cache) % 10, bytearray(5000))
    assert sum(len(str(number)) for number in range(1000)) == 2890

@pytest.mark.memtrace(max_peak="4MiB")
def test_peak():
    bytearray(8 << 20)

@pytest.mark.memtrace(max_peak="12MiB")
def test_peak_within_its_limit():
    bytearray(8 << 20)

@pytest.mark.memtrace(max_pek=1)
def test_wrong_argument():
    pass

@pytest.mark.memtrace(loops=40)
def test_wrong():
    assert kept == [1]

@pytest.mark.memtrace(loops=40)
def test_skipped():
    pytest.skip("not today")
"""


def run_pytest(folder, *args, path=None):
    environment = clean_environment(PYTHONPATH=PACKAGE, PATH=path or f"{BUILD}:{os.environ['PATH']}")
    return subprocess.run([TESTS_PYTHON, "-m", "pytest", "-v", "-rs", "-p", "memtrace.pytest_plugin",
                           "-p", "no:cacheprovider", f"--rootdir={folder}", *args],
                          env=environment, cwd=folder, capture_output=True, text=True, timeout=SECONDS)


def outcomes(done):
    """name -> outcome of each test of a verbose run, distributed or not."""
    plain = re.findall(r"::(test_\w+) (PASSED|FAILED|SKIPPED)", done.stdout)
    distributed = [(name, outcome) for outcome, name in
                   re.findall(r"(PASSED|FAILED|SKIPPED) \S+::(test_\w+)", done.stdout)]
    return dict(plain + distributed)


EXPECTED = {"test_leaks": "FAILED", "test_leaks_within_its_limit": "PASSED", "test_cache_fills": "PASSED",
            "test_peak": "FAILED", "test_peak_within_its_limit": "PASSED", "test_wrong_argument": "FAILED",
            "test_wrong": "FAILED", "test_skipped": "SKIPPED"}


@pytest.fixture(scope="module")
def budgets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("budgets")
    (folder / "test_budgets.py").write_text(BUDGETS)
    return folder


@pytest.fixture(scope="module")
def judged(budgets):
    return run_pytest(budgets)


def line_of(text):
    return 1 + BUDGETS[:BUDGETS.index(text)].count("\n")


def test_each_budget_is_judged(judged):
    assert outcomes(judged) == EXPECTED, judged.stdout
    assert judged.returncode == 1


def test_a_leak_is_told_with_its_line_and_how_to_see_it_again(budgets, judged):
    path = budgets / "test_budgets.py"
    found = re.search(r"memory grew by (\d+) B per iteration over 40 iterations, allowed: 0 B", judged.stdout)
    assert 1000 <= int(found.group(1)) < 1200
    assert f"{path}:{line_of('kept.append')} in test_leaks: " in judged.stdout
    assert "\n      kept.append(bytearray(1000))\n" in judged.stdout
    assert "-m pytest test_budgets.py::test_leaks --memtrace-keep=FOLDER" in judged.stdout


def test_a_peak_is_told_with_its_line(budgets, judged):
    assert re.search(r"peak 8\.\d MiB above what was live when the test began, allowed: 4\.0 MiB",
                     judged.stdout)
    assert f"{budgets / 'test_budgets.py'}:{line_of('bytearray(8 <<')} in test_peak: held up to 8.0 MiB" \
        in judged.stdout


def test_what_else_went_wrong_is_told(judged):
    assert "not measured: @pytest.mark.memtrace has no argument 'max_pek'" in judged.stdout
    assert "assert kept == [1]" in judged.stdout
    assert "not today" in judged.stdout


def test_what_cannot_be_measured_fails(budgets):
    done = run_pytest(budgets, "-k", "test_cache_fills", path="/usr/bin:/bin")
    assert outcomes(done) == {"test_cache_fills": "FAILED"}
    assert "not measured: no program memtrace in PATH" in done.stdout


def test_a_tracer_that_does_not_trace_fails(budgets, tmp_path):
    """A program that takes the arguments of `memtrace run` and runs the test without the library."""
    fake = tmp_path / "untraced"
    fake.write_text("#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done\nshift\nexec \"$@\"\n")
    fake.chmod(0o755)
    done = run_pytest(budgets, "-k", "test_cache_fills", f"--memtrace={fake}")
    assert outcomes(done) == {"test_cache_fills": "FAILED"}
    assert "not measured: libmemtrace.so wasn't active" in done.stdout


def test_switched_off_it_says_so(budgets):
    done = run_pytest(budgets, "--no-memtrace", "-k", "test_leaks or test_peak")
    assert set(outcomes(done).values()) == {"PASSED"}
    assert "memtrace: off by --no-memtrace" in done.stdout


@pytest.mark.skipif(not importlib.util.find_spec("xdist"), reason="needs python3-pytest-xdist")
def test_under_xdist(budgets):
    done = run_pytest(budgets, "-n", "2", "-k", "test_leaks")
    assert outcomes(done) == {"test_leaks": "FAILED", "test_leaks_within_its_limit": "PASSED"}, done.stdout


def gate(folder, *arguments):
    done = memtrace("gate", "--json", "gate.json", *arguments, cwd=folder)
    result = json.loads((folder / "gate.json").read_text())
    return done, result, {check["title"]: check for check in result["checks"]}


@pytest.mark.parametrize("workers", [[], pytest.param(["-n", "2"], marks=pytest.mark.skipif(
    not importlib.util.find_spec("xdist"), reason="needs python3-pytest-xdist"))], ids=["alone", "xdist"])
def test_the_gate_tells_of_tests(budgets, workers):
    run_pytest(budgets, "-k", "leaks or peak", "--memtrace-checks=checks.json", *workers)
    done, result, checks = gate(budgets, "checks.json", "--annotations=github")
    assert done.returncode == 1 and result["status"] == "regression"
    file = "test_budgets.py"
    assert {title: check["outcome"] for title, check in checks.items()} == {
        f"{file}::test_leaks: growth_per_iteration": "failed",
        f"{file}::test_leaks_within_its_limit: growth_per_iteration": "passed",
        f"{file}::test_peak: peak_live": "failed", f"{file}::test_peak_within_its_limit: peak_live": "passed"}
    leak, peak = checks[f"{file}::test_leaks: growth_per_iteration"], checks[f"{file}::test_peak: peak_live"]
    assert 1000 <= leak["measured"] < 1200 and leak["limit"] == 0
    # Something small that was live when the test began may not be any more.
    assert (8 << 20) - 4096 <= peak["measured"] < 9 << 20 and peak["limit"] == 4 << 20
    for check, text in ((leak, "kept.append(bytearray(1000))"), (peak, "bytearray(8 << 20)")):
        site = check["site"]
        assert (site["file"], site["line"], site["source"]) == (file, line_of(text), text)
        assert f"::error file={file},line={line_of(text)}," in done.stdout
    assert re.search(r"memory grew by \d+ B per iteration over 40 iterations, allowed: 0 B", leak["message"])


def test_what_was_not_measured_is_no_verdict(budgets):
    for test, why in (("test_wrong_argument", "@pytest.mark.memtrace has no argument 'max_pek'"),
                      ("test_wrong", "the test itself failed")):
        run_pytest(budgets, f"test_budgets.py::{test}", "--memtrace-checks=checks.json")
        done, result, _ = gate(budgets, "checks.json")
        assert done.returncode == 3 and result["why"].startswith(f"test_budgets.py::{test}: {why}")
    run_pytest(budgets, "-k", "test_skipped", "--memtrace-checks=checks.json")
    done, result, _ = gate(budgets, "checks.json")
    assert done.returncode == 3 and "has no check: no test with a budget was run" in result["why"]


def test_tests_and_a_program_are_one_verdict(budgets):
    run_pytest(budgets, "-k", "within", "--memtrace-checks=checks.json")
    command = ["--baseline", "memory.json", "checks.json", "--", TESTS_PYTHON, "-c", "kept = [bytes(99)] * 9999"]
    assert gate(budgets, "--update-baseline", *command)[0].returncode == 0
    done, _, checks = gate(budgets, *command)
    assert done.returncode == 0 and len(checks) == 5 and "new sites" in checks
    assert done.stdout.startswith("gate: passed: 0 of 5 checks failed\n")


BROKEN = {"{": "isn't JSON", '{"schema": "memtrace.gate-checks/2", "checks": []}': "schema isn't",
          '{"checks": []}': "has no schema", '{"schema": "memtrace.gate-checks/1", "checks": []}': "has no check",
          '{"schema": "memtrace.gate-checks/1", "checks": [{}]}': "checks[0] has no test",
          '{"schema": "memtrace.gate-checks/1", "checks": [{"test": "a", "outcome": "fine"}]}': "checks[0].outcome"}


@pytest.mark.parametrize("text", BROKEN)
def test_broken_files_of_checks_are_no_verdict(tmp_path, text):
    (tmp_path / "checks.json").write_text(text)
    done, result, _ = gate(tmp_path, "checks.json")
    assert done.returncode == 3 and BROKEN[text] in result["why"] and result["why"].startswith("checks.json:")


def test_sizes():
    code = ("from memtrace.size import parse_size, format_size\n"
            "assert parse_size(7) == 7 and parse_size('64MiB') == 64 << 20 and parse_size('1.5 kB') == 1500\n"
            "for wrong in (True, -1, 1.5, None, '', 'x', '1 XiB', '-1'):\n"
            "    try: parse_size(wrong)\n"
            "    except ValueError: continue\n"
            "    raise SystemExit(repr(wrong))\n"
            "assert format_size(64 << 20) == '64.0 MiB' and format_size(100) == '100 B'\n")
    subprocess.run([sys.executable, "-c", code], env=clean_environment(PYTHONPATH=PACKAGE), check=True)


def test_the_package_installs_and_pytest_finds_the_plugin(budgets, tmp_path):
    """As the README says, into a folder of its own; the registry has what builds it."""
    shutil.copytree(PACKAGE, tmp_path / "python", ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    done = subprocess.run([venv_python("ci"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                           "--retries", "1", "--target", tmp_path / "site", tmp_path / "python"],
                          capture_output=True, text=True, timeout=SECONDS)
    if "No matching distribution found for setuptools" in done.stderr:
        pytest.skip("no setuptools from the Python registry")
    assert done.returncode == 0, done.stderr
    environment = clean_environment(PYTHONPATH=tmp_path / "site", PATH=f"{BUILD}:{os.environ['PATH']}")
    done = subprocess.run([TESTS_PYTHON, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-k", "test_leaks"],
                          env=environment, cwd=budgets, capture_output=True, text=True, timeout=SECONDS)
    assert outcomes(done) == {"test_leaks": "FAILED", "test_leaks_within_its_limit": "PASSED"}, done.stdout


def test_one_version_number():
    made = re.search(r"^VERSION := (\S+)", (ROOT / "Makefile").read_text(), re.MULTILINE).group(1)
    assert f'version = "{made}"' in (PACKAGE / "pyproject.toml").read_text()

#!/usr/bin/python3
"""Runs every test and counts them: the unit programs, then pytest over tests/e2e and tests/lint.

    MEMTRACE_BUILD=build tests/check.py [PATTERN...]

A PATTERN picks unit programs and pytest files whose path contains it. The last line is
"N passed, N failed, N skipped"; the exit status is 1 if any failed.
"""

import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
UNIT_SECONDS = 300
MOST_WORKERS = 8


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def run_unit(program, count):
    """One cmocka program; a crash, a time-out or no program is a failure of its own."""
    environment = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP")
    try:
        done = subprocess.run([program], cwd=ROOT, env=environment, capture_output=True,
                              text=True, errors="replace", timeout=UNIT_SECONDS)
        out, errors, status = done.stdout, done.stderr, done.returncode
    except (subprocess.TimeoutExpired, OSError) as error:
        out, errors, status = "", str(error), -1
    # cmocka calls a skipped test "not ok N # SKIP name".
    results = re.findall(r"^(ok|not ok) \d+( # SKIP)?", out, re.MULTILINE)
    skipped = sum(1 for _, skip in results if skip)
    passed = results.count(("ok", ""))
    failed = results.count(("not ok", ""))
    if failed == 0 and (status != 0 or not results):
        failed = 1
    count.passed += passed
    count.failed += failed
    count.skipped += skipped
    print(f"{program.name}: {passed} passed" + (f", {failed} FAILED" if failed else ""))
    if failed:
        print(out, errors, f"exit status {status}", sep="\n")
    sys.stdout.flush()


def workers():
    """Files of tests side by side, one a processor: nearly all of them wait for one program."""
    processors = len(os.sched_getaffinity(0))
    if processors < 2 or not importlib.util.find_spec("xdist"):
        return []
    return ["-n", str(min(processors, MOST_WORKERS)), "--dist", "loadfile"]


def count_results(xml_path, count):
    for suite in xml.etree.ElementTree.parse(xml_path).iter("testsuite"):
        failed = int(suite.get("failures")) + int(suite.get("errors"))
        skipped = int(suite.get("skipped"))
        count.failed += failed
        count.skipped += skipped
        count.passed += int(suite.get("tests")) - failed - skipped


def run_pytest(files, count):
    """The folder of the tests' files stays where one failed. pytest's own would stay for three runs."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="memtrace-check-"))
    xml_path = folder / "pytest.xml"
    command = ["/usr/bin/python3", "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider",
               f"--basetemp={folder / 'tests'}", f"--junit-xml={xml_path}", *workers(), *map(str, files)]
    status = subprocess.run(command, cwd=ROOT).returncode
    if xml_path.exists():
        count_results(xml_path, count)
    # pytest knows troubles that no test carries, such as a file that can't be read.
    if not xml_path.exists() or (status not in (0, 1, 5) and count.failed == 0):
        count.failed += 1
    if status in (0, 5):
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"the files of failed tests are in {folder}")


def report_sanitizers(build, count):
    """What a sanitised collector or command wrote about itself: see tests/san/options.c."""
    for path in sorted(build.glob("san-log.*")):
        count.failed += 1
        print(f"== {path}", path.read_text(errors="replace"), sep="\n")
        path.unlink()


def main(patterns):
    build = ROOT / os.environ.get("MEMTRACE_BUILD", "build")
    os.environ["MEMTRACE_BUILD"] = str(build)

    def wanted(path):
        return not patterns or any(p in str(path.relative_to(ROOT)) for p in patterns)

    for path in build.glob("san-log.*"):
        path.unlink()
    count = Count()
    for source in filter(wanted, sorted(ROOT.glob("tests/unit/test_*.c"))):
        run_unit(build / "unit" / source.stem, count)
    files = [p for p in sorted(ROOT.glob("tests/lint/test_*.py")) + sorted(ROOT.glob("tests/e2e/test_*.py"))
             if wanted(p)]
    if files:
        run_pytest(files, count)
    if patterns and not files and not count.passed + count.failed + count.skipped:
        print("no test's path contains", *patterns)
        count.failed += 1
    report_sanitizers(build, count)
    print(count)
    return 1 if count.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

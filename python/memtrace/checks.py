"""What marked tests were judged, as a file that `memtrace gate` takes beside profiles."""

import itertools
import json
import linecache
import os

from .budget import is_caller

SCHEMA = "memtrace.gate-checks/1"


def judged(item, checks):
    """The file's entries of a test that was measured."""
    return [{"test": item.nodeid, "outcome": "failed" if check.complaint else "passed", "metric": check.metric,
             "measured": check.measured, "limit": check.limit,
             "message": (check.complaint or check.figure).splitlines()[0],
             "source": source_of(check.row), "frames": frames_of(check.row, str(item.config.rootdir))}
            for check in checks]


def not_judged(item, error):
    """Of one that wasn't, or failed before it came to that: whoever asks for a verdict has none."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    why = lines[0] if type(error).__name__ == "NotMeasured" else f"the test itself failed: {lines[-1]}"
    return [{"test": item.nodeid, "outcome": "unknown", "metric": None, "measured": None, "limit": None,
             "message": why, "source": None, "frames": []}]


def source_of(row):
    text = linecache.getline(row["file"] or "", row["line"] or 0).strip() if row else ""
    return text or None


def frames_of(row, root):
    """From the line outwards to the test, files relative to the root where they lie in it."""
    below = itertools.takewhile(lambda frame: not is_caller(frame), row["stack"]) if row else ()
    return [{"function": frame["function"] or "(unknown)", "file": path_below(frame["file"], root),
             "line": frame["line"]} for frame in below]


def path_below(path, root):
    return os.path.relpath(path, root) if path and path.startswith(os.path.join(root, "")) else path


class CheckFile:
    """Collects the reports of a session, its own and those of xdist's workers, and writes the file."""

    def __init__(self, config, path):
        self.path = os.path.join(str(config.invocation_params.dir), path)
        self.checks = []

    def pytest_runtest_logreport(self, report):
        self.checks += getattr(report, "memtrace_checks", [])

    def pytest_sessionfinish(self):
        self.checks.sort(key=lambda check: (check["test"], check["metric"] or ""))
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump({"schema": SCHEMA, "checks": self.checks}, file, indent=1)
            file.write("\n")

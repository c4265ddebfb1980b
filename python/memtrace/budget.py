"""What a marked test may take, and whether a profile of it keeps to that."""

import itertools
import json
import linecache
import os
import statistics
import subprocess

from .size import format_size, parse_size

LINES_SHOWN = 5
CALLERS_SHOWN = 5
# The frames that call a test again and again: nothing below them is of interest.
CALLER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pytest_plugin.py")
MOST_WINDOWS = 4
REPORT_SECONDS = 600


class NotMeasured(Exception):
    """There is no verdict, and why."""


class Exceeded(Exception):
    """The budget is exceeded: the text for the person whose test it is."""

    def __init__(self, text, checks=()):
        super().__init__(text)
        self.checks = checks


class Check:
    """One limit held against what was measured. `row` is the line that is most to blame."""

    def __init__(self, metric, measured, limit, figure, complaint="", row=None):
        self.metric, self.measured, self.limit = metric, measured, limit
        self.figure, self.complaint, self.row = figure, complaint, row


class Budget:
    """The arguments of @pytest.mark.memtrace, checked."""

    KEYS = ("max_growth_per_iteration", "max_peak", "loops", "warmup")

    def __init__(self, arguments):
        unknown = sorted(set(arguments) - set(self.KEYS))
        if unknown:
            raise NotMeasured(f"@pytest.mark.memtrace has no argument {unknown[0]!r}; it has "
                              + ", ".join(self.KEYS))
        limits = {key: arguments[key] for key in self.KEYS[:2] if arguments.get(key) is not None}
        if not limits:
            limits = {"max_growth_per_iteration": 0}
        try:
            limits = {key: parse_size(value) for key, value in limits.items()}
        except ValueError as error:
            raise NotMeasured(f"@pytest.mark.memtrace: {error}") from None
        self.growth = limits.get("max_growth_per_iteration")
        self.peak = limits.get("max_peak")
        self.loops = self._count(arguments, "loops", 100 if self.growth is not None else 1)
        self.warmup = self._count(arguments, "warmup", 5 if self.growth is not None else 0)
        if self.growth is not None and self.loops < MOST_WINDOWS:
            raise NotMeasured(f"@pytest.mark.memtrace(loops={self.loops}): growth needs at least "
                              f"{MOST_WINDOWS} iterations")

    @staticmethod
    def _count(arguments, key, usual):
        count = arguments.get(key, usual)
        if not isinstance(count, int) or isinstance(count, bool) or count < (key == "loops"):
            raise NotMeasured(f"@pytest.mark.memtrace({key}={count!r}): not a number of iterations")
        return count

    def windows(self):
        """How many iterations each window has. A line leaks when it grows in every one of them: what
        fills up once, such as a cache, does so in the first."""
        count = min(MOST_WINDOWS, self.loops)
        return [self.loops // count + (index < self.loops % count) for index in range(count)]

    def check(self, profile):
        """Raises Exceeded or NotMeasured; returns its checks."""
        checks = []
        if self.growth is not None:
            checks.append(self._check_growth(profile))
        if self.peak is not None:
            checks.append(self._check_peak(profile))
        complaints = [check.complaint for check in checks if check.complaint]
        if complaints:
            raise Exceeded("\n".join(complaints), checks)
        return checks

    def _check_growth(self, profile):
        leaks, total = profile.growth(self.windows())
        figure = f"{format_size(total)} per iteration"
        if total <= self.growth:
            return Check("growth_per_iteration", total, self.growth, figure)
        text = [f"memory grew by {figure} over {self.loops} iterations, allowed: {format_size(self.growth)}"]
        for leak in leaks[:LINES_SHOWN]:
            text += describe(leak)
        if leaks[LINES_SHOWN:]:
            text.append(f"  and {len(leaks) - LINES_SHOWN} other lines")
        return Check("growth_per_iteration", total, self.growth, figure, "\n".join(text), next(iter(leaks), None))

    def _check_peak(self, profile):
        used = profile.peak_above(window_name(0))
        figure = f"peak {format_size(used)}"
        if used <= self.peak:
            return Check("peak_live", used, self.peak, figure)
        text = [f"{figure} above what was live when the test began, allowed: {format_size(self.peak)}"]
        rows = profile.peak_rows()
        for row in rows[:LINES_SHOWN]:
            text.append(f"  {row['file'] or '(no Python frame)'}:{row['line'] or 0} in {row['function']}: "
                        f"held up to {format_size(row['peak_bytes'])}")
            text += source_line(row)
        return Check("peak_live", used, self.peak, figure, "\n".join(text), next(iter(rows), None))


def window_name(index):
    return f"memtrace-window-{index}"


def source_line(row):
    text = linecache.getline(row["file"] or "", row["line"] or 0).strip()
    return [f"      {text}"] if text else []


def is_caller(frame):
    return frame["file"] == CALLER and frame["function"].endswith("again")


def is_ours(row):
    """Whether the plugin itself made what the line holds, between the windows."""
    return any(frame["file"] == CALLER and frame["function"] == "settle" for frame in row["stack"])


def describe(leak):
    count = leak["blocks_per_iteration"]
    text = [f"  {leak['file'] or '(no Python frame)'}:{leak['line'] or 0} in {leak['function']}: "
            f"{format_size(leak['bytes_per_iteration'])} and {count:.3g} blocks per iteration"]
    text += source_line(leak)
    below = itertools.takewhile(lambda frame: not is_caller(frame), leak["stack"][1:])
    for frame in itertools.islice(below, CALLERS_SHOWN):
        if frame["file"]:
            text.append(f"    called from {frame['file']}:{frame['line']} in {frame['function']}")
    return text


class MeasuredProfile:
    """A profile, read by `memtrace report --json`."""

    def __init__(self, command, path):
        self.command, self.path = command, str(path)

    def report(self, *arguments):
        done = subprocess.run([self.command, "report", "--json", "-n", "0", *arguments, self.path],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              universal_newlines=True, timeout=REPORT_SECONDS)
        if done.returncode != 0:
            raise NotMeasured(f"memtrace report failed: {done.stderr.strip()}")
        report = json.loads(done.stdout)
        self._refuse_doubtful(report["process"])
        if report["doubts"]:
            raise NotMeasured(report["doubts"][0])
        return report

    @staticmethod
    def _refuse_doubtful(process):
        if process["mode"] != "exact":
            raise NotMeasured(f"the profile is in mode {process['mode']}, not exact")
        if process["stacks"] != "on":
            raise NotMeasured(f"Python stacks of this interpreter could not be read: {process['stacks']}")
        if process["end"] not in ("exit", "_exit"):
            raise NotMeasured(f"the test's process ended by {process['end']}")
        if process["lost_events"]:
            raise NotMeasured(f"{process['lost_events']} events were lost")

    def growth(self, windows):
        """The lines that kept something in every window, the largest first, and what an iteration kept
        altogether. Of each line the smallest rate of all windows counts, which is what a constant leak has
        and a filling cache hasn't. What the interpreter reuses stays charged to its first line, so that one
        line may gain what another loses: the lines' sum is therefore limited by the whole heap's median."""
        smallest, totals = None, []
        for index, iterations in enumerate(windows):
            report = self.report("--from", window_name(index), "--to", window_name(index + 1))
            totals.append(report["total"]["size_diff_bytes"] / iterations)
            rates = {(row["file"], row["line"], row["function"]):
                     dict(row, bytes_per_iteration=row["size_diff_bytes"] / iterations,
                          blocks_per_iteration=row["count_diff"] / iterations)
                     for row in report["growth"] if row["size_diff_bytes"] > 0 and not is_ours(row)}
            if smallest is None:
                smallest = rates
            smallest = {key: min(row, rates[key], key=lambda one: one["bytes_per_iteration"])
                        for key, row in smallest.items() if key in rates}
        leaks = sorted(smallest.values(), key=lambda row: -row["bytes_per_iteration"])
        total = sum(leak["bytes_per_iteration"] for leak in leaks)
        return leaks, max(0, min(total, statistics.median(totals)))

    def peak_above(self, mark):
        """How far the process's peak lies above what was live at the mark: at least what the test took."""
        report = self.report()
        live = [one["live_bytes"] for one in report["marks"] if one["name"] == mark]
        if not live:
            raise NotMeasured(f"the profile has no mark {mark}")
        return max(0, report["peak"]["live_bytes"] - live[0])

    def peak_rows(self):
        """The lines that the test called, by what each held at its own highest."""
        own = os.path.dirname(CALLER)
        return sorted((row for row in self.report()["growth"]
                       if any(map(is_caller, row["stack"])) and os.path.dirname(row["file"] or "") != own
                       and row["peak_bytes"] > 0), key=lambda row: -row["peak_bytes"])

"""Two versions of a program compared: what moved, was renamed, appeared and went, with figures by construction."""

import json
import os
import re
import shutil
import subprocess

import pytest
from conftest import COMMAND, INTERPRETERS, LIBRARY, ROOT, clean_environment, line_of, python_build, python_version

# Blocks of one size each, none of them served by a pool, and with a list that has its room from the start.
BEFORE = """\
kept = [None] * 1000
def steady(n):
    for i in range(n):
        kept[i] = b"." * 5000  # steady
def grows(n):
    for i in range(n):
        kept[200 + i] = b"." * 6000  # grows
    return n
def old_name(n):
    step = 1
    for i in range(0, n, step):
        kept[400 + i] = b"." * 7000  # renamed
def fixed(n):
    for i in range(n):
        kept[600 + i] = b"." * 8000  # went
def again(depth):
    if depth:
        return again(depth - 1)
    kept[800] = b"." * 9000  # recurses
steady(50); grows(20); old_name(30); fixed(40); again(10)
"""

# Everything is ten lines further down, in another order, and partly indented.
AFTER = """\
#
#
#
#
#
#
#
#
#
#
kept = [None] * 1000
def again(depth):
    if depth:
        return again(depth - 1)
    kept[800] = b"." * 9000  # recurses
def new_name(n):
    step = 1
    for i in range(0, n, step):
        kept[400 + i] = b"." * 7000  # renamed
def grows(n):
    if n > 100:
        raise ValueError("something new, before what was there: " + str(n))
    for i in range(n):
        kept[200 + i] = b"." * 6000  # grows
        kept[500 + i] = b"." * 500000  # appeared
    return n
def fixed(n):
    pass
def steady(n):
    for i in range(n):
        kept[i] = b"." * 5000  # steady
steady(50); grows(25); new_name(35); fixed(40); again(20)
"""
# Of an older release: nobody looked at resident sets.
V1 = ROOT / "tests/data/v1.memtrace"
EMPTY = python_build(next(iter(INTERPRETERS.values()), "/usr/bin/python3")).empty_bytes


def run(python, script, out, args=(), **variables):
    done = subprocess.run([python, script, *args], capture_output=True, text=True, timeout=120, cwd=script.parent,
                          env=clean_environment(LD_PRELOAD=LIBRARY, MEMTRACE_OUT=out, **variables))
    assert (done.returncode, done.stderr) == (0, "")
    return out


def write(path, text):
    path.write_text(text)
    return path


def call(*args, **variables):
    return subprocess.run([COMMAND, *map(str, args)], capture_output=True, text=True, timeout=120,
                          env=clean_environment(**variables))


def diff(*args):
    done = call("diff", "--json", "-n", "0", *args)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["schema"] == "memtrace.diff/1"
    check_sums(found)
    return found


def check_sums(found):
    """Rows, halves and totals agree, and the order is that of the change."""
    for key in "size_bytes", "count", "peak_bytes", "total_bytes", "total_count":
        for side in "before", "after":
            assert sum(row[side][key] for row in found["rows"] if row[side]) == found["total"][side][key]
    assert sum(row["diff_bytes"] for row in found["rows"]) == found["total"]["diff_bytes"]
    assert found["total"]["rows"] == len(found["rows"])
    changes = [row["diff_bytes"] for row in found["rows"]]
    assert changes == sorted(changes, reverse=True)


def row_of(found, side, file, line=None, function=None):
    rows = [row for row in found["rows"] if row[side] and row[side]["file"] == str(file)
            and (line is None or row[side]["line"] == line)
            and (function is None or row[side]["function"] == function)]
    assert len(rows) == 1, rows
    return rows[0]


class Pair:
    """Two versions, run; each from a path of its own, or one after the other from the same."""

    def __init__(self, folder, python, before=BEFORE, after=AFTER, same_path=False, names=("shop.py", "shop.py")):
        self.before_script = folder / ("v" if same_path else "v1") / names[0]
        self.after_script = folder / ("v" if same_path else "v2") / names[1]
        self.lines = {}
        for side, script, text in (("before", self.before_script, before), ("after", self.after_script, after)):
            script.parent.mkdir(exist_ok=True)
            script.write_text(text)
            if same_path and side == "after":
                # Later than the first run, whatever the clock of the file system makes of it.
                os.utime(script, (script.stat().st_mtime + 2,) * 2)
            setattr(self, side, run(python, script, folder / f"{side}.memtrace"))
            for word in "steady", "grows", "renamed", "went", "recurses", "appeared":
                if f"# {word}\n" in text:
                    self.lines[side, word] = line_of(script, f"# {word}")

    def row(self, found, side, word):
        script = self.before_script if side == "before" else self.after_script
        return row_of(found, side, script, self.lines[side, word])

    def check(self, found):
        """Which line is which, and by how much it changed."""
        for word, blocks, size in (("steady", 0, 5000), ("grows", 5, 6000), ("renamed", 5, 7000), ("recurses", 0, 9000)):
            row = self.row(found, "after", word)
            assert row["before"]["line"] == self.lines["before", word], word
            assert row["before"]["file"] == str(self.before_script)
            assert (row["diff_blocks"], row["diff_bytes"]) == (blocks, blocks * (size + EMPTY)), word
            assert row["change"] == ("grew" if blocks else "same")
        row = self.row(found, "after", "appeared")
        assert (row["change"], row["before"]) == ("appeared", None)
        assert (row["diff_blocks"], row["diff_bytes"]) == (25, 25 * (500000 + EMPTY))
        row = self.row(found, "before", "went")
        assert (row["change"], row["after"]) == ("went", None)
        assert (row["diff_blocks"], row["diff_bytes"]) == (-40, -40 * (8000 + EMPTY))


@pytest.mark.parametrize("how", ["two paths", "same path", "sources deleted"])
def test_lines_that_moved_are_the_same_lines(tmp_path, any_python, how):
    if how != "two paths" and python_version(any_python) < (3, 11):
        pytest.skip("profiles of Python before 3.11 know no columns: an edited loop's last line needs its source")
    pair = Pair(tmp_path, any_python, same_path=how == "same path")
    if how == "sources deleted":
        pair.before_script.unlink()
        pair.after_script.unlink()
    pair.check(diff(pair.before, pair.after))


def test_a_file_that_was_renamed(tmp_path, any_python):
    pair = Pair(tmp_path, any_python, names=("shop.py", "store.py"))
    pair.check(diff(pair.before, pair.after))


def test_by_function_and_by_file(tmp_path, any_python):
    pair = Pair(tmp_path, any_python)
    found = diff("--by", "function", pair.before, pair.after)
    row = row_of(found, "after", pair.after_script, function="new_name")
    assert row["before"]["function"] == "old_name"
    assert (row["diff_blocks"], row["diff_bytes"]) == (5, 5 * (7000 + EMPTY))
    assert row_of(found, "before", pair.before_script, function="fixed")["diff_bytes"] == -40 * (8000 + EMPTY)
    row = row_of(diff("--by", "file", pair.before, pair.after), "after", pair.after_script)
    assert row["before"]["file"] == str(pair.before_script)
    # What the functions themselves are made of may differ by some bytes.
    by_construction = (5 * 6000 + 25 * 500000 + 5 * 7000 - 40 * 8000 + (5 + 25 + 5 - 40) * EMPTY)
    assert abs(row["diff_bytes"] - by_construction) < 5000


def test_a_profile_and_itself(tmp_path, any_python):
    pair = Pair(tmp_path, any_python)
    for by in "line", "own", "function", "file", "module":
        found = diff("--by", by, pair.before, pair.before)
        assert {row["change"] for row in found["rows"]} == {"same"}
        assert all(row["before"] == row["after"] for row in found["rows"])
        assert all(figure["diff"] in (0, None) for figure in found["figures"].values())
        assert found["notes"] == []


def test_each_side_is_what_its_report_says(tmp_path, any_python):
    pair = Pair(tmp_path, any_python)
    for args in (), ("--by", "own"), ("--focus", "grows"), ("--ignore", "steady"), ("--to", "main"):
        found = diff(*args, pair.before, pair.after)
        for side, file in (("before", pair.before), ("after", pair.after)):
            report = json.loads(call("report", "--json", "-n", "0", *args, file).stdout)
            for key in "size_bytes", "count", "peak_bytes", "total_bytes", "size_diff_bytes":
                assert found["total"][side][key] == report["total"][key]
            assert found["figures"]["peak_bytes"][side] == report["peak"]["live_bytes"]
            assert found["figures"]["arena_bytes"][side] == report["arenas"]["bytes"]
            assert found["resident"][side] == report["resident"]


# As many MiB as the argument says, all of them written to, live until the collector looks.
MAPS = """\
import mmap, sys
bytes_count = int(sys.argv[1]) << 20
area = mmap.mmap(-1, bytes_count, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for at in range(0, bytes_count, 4096):
    area[at] = 1
"""


def test_what_the_resident_sets_consist_of(tmp_path, any_python):
    script = write(tmp_path / "maps.py", MAPS)
    before, after = (run(any_python, script, tmp_path / f"{mib}.memtrace", args=[str(mib)]) for mib in (8, 40))
    found = diff(before, after)["resident"]
    parts = found["diff"]["parts"]
    assert sum(parts.values()) == found["diff"]["rss_bytes"]
    assert found["after"]["rss_bytes"] - found["before"]["rss_bytes"] == found["diff"]["rss_bytes"]
    assert all(parts[key] == found["after"]["parts"][key] - found["before"]["parts"][key] for key in parts)
    assert parts["mapped"] == 32 << 20
    assert all(abs(parts[key]) < 2 << 20 for key in parts if key not in ("mapped", "file"))
    text = call("diff", before, after).stdout
    assert re.search(r"^mapped by the program +\d\S* MiB +4\d\S* MiB +\+32\.0 MiB", text, re.M)
    # Nobody looks so early.
    text = " ".join(call("diff", "--to", "start", before, after).stdout.split())
    assert re.search("before: as it was at [^,]*, the look that came nearest to start", text)


def test_a_resident_set_that_nobody_looked_at(tmp_path, any_python):
    new = run(any_python, write(tmp_path / "short.py", "kept = bytes(100000)\n"), tmp_path / "new.memtrace")
    for args, side in (((V1, new), "before"), ((new, V1), "after")):
        found = diff(*args)["resident"]
        assert [key for key in ("before", "after") if found[key] is None] == [side]
        assert found["diff"] is None
        text = " ".join(call("diff", *args).stdout.split())
        assert f"{side}: there is no look at the resident set for end" in text


def test_weights(tmp_path, any_python):
    pair = Pair(tmp_path, any_python)
    for weight, key in (("live", "size_bytes"), ("growth", "size_diff_bytes"), ("peak", "peak_bytes"),
                        ("total", "total_bytes")):
        found = diff("--weight", weight, "--from", "main", pair.before, pair.after)
        assert found["weight"] == weight
        for row in found["rows"]:
            value = {side: row[side][key] if row[side] else 0 for side in ("before", "after")}
            assert row["diff_bytes"] == value["after"] - value["before"]
    assert diff("--from", "main", pair.before, pair.after)["weight"] == "growth"
    assert diff(pair.before, pair.after)["weight"] == "live"


# Two lambdas of one name and a comprehension, code made out of text, and a line with two functions.
ODD_BEFORE = """\
kept = []
first = lambda: kept.append(bytearray(3000))  # first
second = lambda: kept.append(bytearray(40000))  # second
for i in range(10): first(), second()
kept.append([bytearray(2000) for i in range(10)])  # comprehension
space = {"kept": kept}
exec("def made(n):\\n  for i in range(n):\\n    kept.append(bytearray(11000))\\nmade(10)\\n", space)
exec("def other(n):\\n  for i in range(n):\\n    kept.append(bytearray(13000))\\nother(10)\\n", space)
"""
ODD_AFTER = "import sys\n" + ODD_BEFORE.replace("def made(n):", "def made(n):\\n  n += 5")


def test_functions_of_one_name_and_generated_code(tmp_path, any_python):
    before_script, after_script = tmp_path / "odd1" / "odd.py", tmp_path / "odd2" / "odd.py"
    for script, text in ((before_script, ODD_BEFORE), (after_script, ODD_AFTER)):
        script.parent.mkdir()
        script.write_text(text)
    found = diff(run(any_python, before_script, tmp_path / "1.memtrace"),
                 run(any_python, after_script, tmp_path / "2.memtrace"))
    for word, size in (("first", 10 * 3000), ("second", 10 * 40000), ("comprehension", 10 * 2000)):
        row = row_of(found, "after", after_script, line_of(after_script, f"# {word}"))
        assert row["before"]["line"] == line_of(before_script, f"# {word}")
        assert row["after"]["size_bytes"] >= size
        assert abs(row["diff_bytes"]) < 1000
    # Texts share a file's name, and lines: functions tell them apart. made() has five rounds more.
    found = diff("--by", "function", tmp_path / "1.memtrace", tmp_path / "2.memtrace")
    made, other = (row_of(found, "after", "<string>", function=name) for name in ("made", "other"))
    assert made["before"] and other["before"]
    assert 5 * 11000 <= made["diff_bytes"] < 5 * 11000 + 1000
    assert abs(other["diff_bytes"]) < 1000


def test_what_differs_beside_the_program_is_said(tmp_path, any_python):
    pair = Pair(tmp_path, any_python)
    others = [python for python in INTERPRETERS.values() if python_version(python) != python_version(any_python)]
    if not others:
        pytest.skip("there is only one version of Python")
    other = run(others[-1], pair.before_script, tmp_path / "other.memtrace")
    notes = diff(pair.before, other)["notes"]
    assert any("the Pythons differ" in note for note in notes)
    shown = call("diff", pair.before, other)
    assert "the Pythons differ" in shown.stdout
    # Both sources are here as they ran: lines are found by their text.
    row = row_of(diff(pair.before, other), "before", pair.before_script, pair.lines["before", "steady"])
    assert row["after"]["line"] == pair.lines["before", "steady"]


def test_text(tmp_path, any_python):
    pair = Pair(tmp_path, any_python)
    done = call("diff", "-n", "3", pair.before, pair.after, COLUMNS=80)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    appeared = f"shop.py:{pair.lines['after', 'appeared']}:"
    went = f"shop.py:{pair.lines['before', 'went']}:"
    assert any(line.endswith(appeared) or appeared + " " in line for line in lines)
    assert any(line.endswith(went) or went + " " in line for line in lines)
    text = " ".join(done.stdout.split())
    assert "count=25 (+25), appeared" in text
    assert "count=0 (-40), went" in text
    assert f"was {pair.before_script}:{pair.lines['before', 'grows']}" in text
    # Largest growth first, then largest shrinkage.
    assert done.stdout.index(appeared) < done.stdout.index(went)
    figures = [line for line in lines if line.startswith(("live  ", "resident set", "arenas "))]
    assert len(figures) == 3 and all(len(line) <= 80 for line in figures)
    assert all(len(line) <= 80 for line in lines if "/" not in line)


def test_rows_are_limited_on_both_ends(tmp_path, any_python):
    pair = Pair(tmp_path, any_python)
    whole = diff(pair.before, pair.after)
    some = json.loads(call("diff", "--json", "-n", "2", pair.before, pair.after).stdout)
    grown = [row for row in whole["rows"] if row["diff_bytes"] > 0]
    shrunk = [row for row in whole["rows"] if row["diff_bytes"] < 0]
    assert some["rows"] == grown[:2] + shrunk[-2:]
    assert some["total"] == whole["total"]


def test_what_cannot_be_compared(tmp_path, any_python):
    pair = Pair(tmp_path, any_python)
    missing = tmp_path / "missing.memtrace"
    for args in ((missing, pair.after), (pair.before, missing), ("--from", "nowhere", pair.before, pair.after)):
        done = call("diff", *args)
        assert (done.returncode, done.stdout) == (1, "")
        assert len(done.stderr.splitlines()) == 1


def test_a_side_that_still_runs_is_said(trace, any_python, tmp_path):
    finished = run(any_python, write(tmp_path / "short.py", "kept = bytes(100000)\n"), tmp_path / "short.memtrace")
    living = write(tmp_path / "living.py", "import sys\nprint('up', flush=True)\nsys.stdin.read()\n")
    with trace.start(any_python, living, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdout.readline() == b"up\n"
        # As one that is written while the program runs.
        shutil.copy(finished, trace.out / "run.memtrace")
        found = diff(finished, trace.out / "run.memtrace")
        document = call("export", "--format", "folded", trace.out / "run.memtrace")
        program.stdin.close()
    assert any(note.startswith("after: the program still runs") for note in found["notes"])
    assert not [note for note in found["notes"] if note.startswith("before: ")]
    assert document.returncode == 0 and "still runs" in document.stderr

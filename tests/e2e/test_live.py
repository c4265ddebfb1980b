"""Reports of a program that runs: its collector is asked, and the program isn't disturbed."""

import json
import os
import pty
import signal
import subprocess

import pytest

from conftest import COMMAND, line_of, wait_for

PROGRAM = """
import sys

kept = []
for size in map(int, sys.stdin):
    kept.append([bytes(300) for _ in range(size)])  # fill
    print(len(kept), flush=True)
    if size == 0:
        break
"""

SECONDS = 120


class Program:
    """Keeps what it is told to."""

    def __init__(self, trace, python, folder):
        self.script = folder / "steps.py"
        self.script.write_text(PROGRAM)
        self.line = line_of(self.script, "# fill")
        self.process = trace.start(python, self.script, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.out = trace.out

    def keep(self, count):
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline()

    def end(self):
        self.process.stdin.close()
        self.process.wait(SECONDS)

    def file(self):
        return next(self.out.glob("*.memtrace"))

    def blocks(self, report):
        rows = [row for row in report["growth"]
                if row["line"] == self.line and row["file"].endswith("steps.py")]
        return [(row["count"], row["size_bytes"]) for row in rows]


@pytest.fixture
def program(trace, any_python, tmp_path):
    program = Program(trace, any_python, tmp_path)
    yield program
    if program.process.poll() is None:
        program.process.kill()
        program.process.communicate()
        trace.wait_for_profile()


def ask(*arguments):
    return subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=SECONDS)


def test_report_of_a_running_program(program):
    """By file or by any other name of the run, and each time as it is then: the last blocks too, which may wait
    in the program's own table. The lists themselves are of the same line: they are told by their size."""
    program.keep(9000)
    for kept in (9000, 14000):
        for command in (["report", "--json", "-n", "0"], ["report", "--json", "-n", "0", "--by", "stack"]):
            done = ask(*command, program.file())
            assert done.returncode == 0, done.stderr
            report = json.loads(done.stdout)
            assert report["process"]["end"] == "running"
            assert report["doubts"] == []
        found = json.loads(ask("report", "--json", "-n", "0", program.file()).stdout)
        counts = program.blocks(found)
        assert len(counts) == 1
        # 333 bytes each, and a list or two beside them.
        lists = counts[0][0] - kept
        assert 1 <= lists <= 4, counts
        assert 333 * kept < counts[0][1] < 333 * kept + 10 * kept + 1000
        if kept == 9000:
            program.keep(5000)
    assert sorted(path.suffix for path in program.out.iterdir()) == [".1", ".memtrace", ".ring"]


def test_map_and_export_of_a_running_program(program):
    program.keep(9000)
    drawn = ask("map", "--by", "file", program.file()).stdout
    assert "steps.py" in drawn and "still runs" in drawn
    assert "steps.py" in ask("export", "--format", "folded", program.file()).stdout


def read_documents(text):
    decoder, at, found = json.JSONDecoder(), 0, []
    while at < len(text.rstrip()):
        document, at = decoder.raw_decode(text, at)
        found.append(document)
        while at < len(text) and text[at].isspace():
            at += 1
    return found


def read_document(stream):
    """The lines of the first one."""
    text = ""
    for line in stream:
        text += line
        try:
            json.loads(text)
            break
        except ValueError:
            continue
    return text


def test_again_and_again_until_the_end(program, trace):
    program.keep(3000)
    live = subprocess.Popen([COMMAND, "report", "--live=0.1", "--json", "-n", "9", str(program.process.pid)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    first = read_document(live.stdout)
    program.keep(2000)
    program.end()
    rest, err = live.communicate(timeout=SECONDS)
    assert live.returncode == 0, err
    reports = read_documents(first + rest)
    assert len(reports) >= 2
    ends = [report["process"]["end"] for report in reports]
    assert ends == ["running"] * (len(ends) - 1) + ["exit"]
    seconds = [report["process"]["seconds"] for report in reports]
    assert seconds == sorted(seconds)
    # A list for 3,000, the one for 2,000 after it: never fewer than before while it runs.
    kept = [program.blocks(report)[0][0] for report in reports[:-1]]
    assert kept == sorted(kept) and kept[0] >= 3000
    trace.wait_for_profile().check()


def read_terminal(fd, enough):
    text = b""
    while not enough(text):
        try:
            text += os.read(fd, 65536)
        except OSError:
            break
    return text


def has_terminals():
    """A container may have the folder, and no file system in it."""
    try:
        for fd in os.openpty():
            os.close(fd)
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_terminals(), reason="no terminals here")
def test_in_place_on_a_terminal(program):
    """Each page begins at the top and fits the screen."""
    program.keep(3000)
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm", COLUMNS="80")
        # Whoever started us in the background may have had it ignored.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execv(COMMAND, [COMMAND, "report", "--live=0.2", str(program.file())])
    try:
        text = read_terminal(fd, lambda text: text.count(b"\x1b[H") >= 4)
    finally:
        os.kill(pid, signal.SIGINT)
        os.waitpid(pid, 0)
        os.close(fd)
    first, *pages = text.split(b"\x1b[H\x1b[2J")
    assert first == b"", first
    assert len(pages) >= 3
    for page in pages[:-1]:
        assert b"still running" in page and page.count(b"\n") <= 23


def test_why_not(program, tmp_path):
    assert "one running program" in ask("report", "--live").stderr
    assert "0.1 to 86400" in ask("report", "--live=x", "y").stderr
    stranger = subprocess.Popen(["sleep", "300"])
    try:
        done = ask("report", "--live", stranger.pid)
    finally:
        stranger.kill()
        stranger.wait()
    assert done.returncode == 1 and "isn't traced" in done.stderr
    path = program.file()
    program.keep(10)
    program.end()
    wait_for(lambda: not list(program.out.glob("*.ring")), what="end")
    done = ask("report", "--live", path)
    assert done.returncode == 1 and "doesn't run any more" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_ring_of_another_user_is_left_alone(program):
    program.keep(100)
    ring = next(program.out.glob("*.ring"))
    os.chown(ring, 65534, -1)
    for command in (["report"], ["report", "--live"]):
        done = ask(*command, program.file())
        assert done.returncode == 1 and "belongs to user 65534" in done.stderr
    os.chown(ring, 0, -1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_planted_profile_is_not_read(program, tmp_path):
    """Neither a link is followed, nor is a foreign file taken where the collector could not replace it."""
    program.keep(100)
    planted = tmp_path / "planted"
    planted.write_text("no profile at all")
    name = program.file().with_name(program.file().name + ".live-profile")
    name.symlink_to(planted)
    assert ask("report", program.file()).returncode == 0
    assert planted.read_text() == "no profile at all" and not name.exists()
    # A folder of that name can't be replaced.
    name.mkdir()
    done = ask("report", program.file())
    assert done.returncode == 1 and "isn't the collector's file" in done.stderr
    name.rmdir()


def test_a_stopped_collector_is_said(program):
    program.keep(100)
    ring = next(program.out.glob("*.ring"))
    collectors = [int(entry) for entry in os.listdir("/proc") if entry.isdigit()
                  and is_collector_of(entry, ring)]
    assert len(collectors) == 1
    os.kill(collectors[0], signal.SIGSTOP)
    try:
        done = ask("report", program.file())
    finally:
        os.kill(collectors[0], signal.SIGCONT)
    assert done.returncode == 1 and "doesn't answer" in done.stderr and "still runs" in done.stderr


def is_collector_of(pid, ring):
    try:
        with open(f"/proc/{pid}/comm", encoding="ascii") as comm:
            name = comm.read().strip()
        with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as maps:
            return name.startswith("memtrace-collec") and str(ring) in maps.read()
    except OSError:
        return False

"""The command's own surface: what it takes, what it refuses, and how it says so."""

import json
import os
import shutil
import signal
import subprocess
import time

import pytest
from conftest import COMMAND, LIBRARY, clean_environment, memtrace

BUILT = ["run", "report", "map", "diff", "gate", "export", "dump", "mark", "ls", "recover", "doctor", "help"]
LATER = ["symbolize"]


def assert_refused(done, status, *words):
    assert (done.returncode, done.stdout) == (status, "")
    first = done.stderr.splitlines()[0]
    assert first.startswith("memtrace")
    for word in words:
        assert str(word) in first


def test_version():
    done = memtrace("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[0] == "memtrace"


@pytest.mark.parametrize("args", [("help",), ("--help",), ("-h",), ("help", "help")])
def test_help_lists_every_command(args):
    done = memtrace(*args)
    assert (done.returncode, done.stderr) == (0, "")
    listed = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")]
    assert sorted(listed) == sorted(BUILT + LATER)


@pytest.mark.parametrize("name", BUILT)
def test_help_of_each_command(name):
    done = memtrace("help", name)
    assert (done.returncode, done.stderr) == (0, "")
    assert name in done.stdout or "COMMAND" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 96


@pytest.mark.parametrize("name", LATER)
def test_not_built_yet(name):
    done = memtrace(name, "whatever")
    assert_refused(done, 2, f"'{name}'", "isn't built yet")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("args, quoted", [
    ((), "no command"), (("reprot",), "'reprot'"), (("help", "reprot"), "'reprot'"),
    (("report", "--nothing"), "--nothing"), (("report", "--by", "colour"), "'colour'"),
    (("report", "-n", "-1"), "'-1'"), (("report", "-n", "ten"), "'ten'"),
    (("report", "--units", "furlongs"), "'furlongs'"), (("report", "--color", "red"), "'red'"),
    (("report", "--focus", "(", "x"), "'('"), (("report", "--ignore", "[a", "x"), "'[a'"),
    (("run",), "no command"), (("run", "--events=some", "true"), "'some'"),
    (("run", "--follow", "me", "true"), "'me'"), (("mark", "12"), "NAME"),
    (("mark", "twelve", "x"), "'twelve'"), (("mark", "1", "x" * 128), "128 bytes"),
    (("mark", "1", ""), "''"), (("mark", "1", "a", "b"), "'b'"), (("dump", "a", "b"), "'b'"),
    (("map", "-n", "few"), "'few'"), (("map", "--by", "stack"), "'stack'"), (("map", "a", "b"), "'b'"),
    (("diff",), "BEFORE and AFTER"), (("diff", "a"), "BEFORE and AFTER"), (("diff", "a", "b", "c"), "'c'"),
    (("diff", "--by", "stack", "a", "b"), "'stack'"), (("diff", "--weight", "pinned", "a", "b"), "'pinned'"),
    (("export", "a"), "--format"), (("export", "--format", "png"), "'png'"),
    (("export", "--format", "folded", "--weight", "heavy"), "'heavy'"),
    (("export", "--format", "folded", "a", "b"), "'b'"),
    (("export", "--format", "folded", "--focus", "(", "a"), "'('"),
    (("recover",), "no PATH"), (("ls", "a", "b"), "'b'"),
])
def test_usage_errors_quote_what_is_wrong(args, quoted):
    assert_refused(memtrace(*args), 2, quoted)


@pytest.mark.parametrize("command", ["report", "dump", "recover"])
def test_files_that_are_no_profile(command, tmp_path):
    missing = tmp_path / "missing.memtrace"
    assert_refused(memtrace(command, missing), 1, missing, "No such file")
    assert_refused(memtrace(command, tmp_path), 1, tmp_path, "directory")
    empty = tmp_path / "empty.memtrace"
    empty.touch()
    assert_refused(memtrace(command, empty), 1, empty, "empty")


@pytest.mark.parametrize("content", [b"x", b"x" * 100, b"MEMTPRF1", b"MEMTPRF1" + b"\xff" * 200,
                                     b"MEMTRNG1" + b"\xff" * 5000, b"MEMTJNL1" + b"\0" * 300])
@pytest.mark.parametrize("command", ["report", "dump"])
def test_foreign_and_damaged_files(command, content, tmp_path):
    foreign = tmp_path / "foreign.memtrace"
    foreign.write_bytes(content)
    assert_refused(memtrace(command, foreign), 1, foreign)


def test_several_files_one_of_which_is_missing(tmp_path):
    done = memtrace("report", "--json", "a", "b", cwd=tmp_path)
    assert done.returncode == 1
    assert json.loads(done.stdout) == {"schema": "memtrace.set/1", "processes": [], "reports": []}
    assert len(done.stderr.splitlines()) == 2


def test_an_empty_folder(tmp_path):
    assert_refused(memtrace("report", cwd=tmp_path), 1, "no profile")
    done = memtrace("ls", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "no runs in .\n")
    assert json.loads(memtrace("ls", "--json", cwd=tmp_path).stdout)["runs"] == []
    assert_refused(memtrace("ls", tmp_path / "nowhere"), 1, "nowhere")


def test_mark_of_processes_that_are_not_traced(tmp_path):
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        assert_refused(memtrace("mark", sleeper.pid, "x"), 1, sleeper.pid, "isn't traced")
        sleeper.kill()
        sleeper.wait()
        assert_refused(memtrace("mark", sleeper.pid, "x"), 1, sleeper.pid)


@pytest.mark.parametrize("script, status", [("exit 0", 0), ("exit 7", 7), ("exit 255", 255),
                                            ("kill -TERM $$", 128 + 15), ("kill -KILL $$", 128 + 9)])
def test_run_passes_the_status_on(script, status, tmp_path):
    assert memtrace("run", "--", "sh", "-c", script, cwd=tmp_path).returncode == status
    assert list(tmp_path.iterdir()) == []


def test_run_of_what_cannot_be_run(tmp_path):
    plain = tmp_path / "plain"
    plain.write_text("#!/bin/sh\n")
    assert_refused(memtrace("run", "no-such-command"), 127, "no-such-command")
    assert_refused(memtrace("run", tmp_path / "nothing"), 127, "nothing")
    assert_refused(memtrace("run", plain), 126, plain)
    assert_refused(memtrace("run", tmp_path), 126, tmp_path)


@pytest.mark.hazard("nothing can be loaded")
def test_run_says_when_nothing_was_traced(tmp_path):
    done = memtrace("run", "sh", "-c", "echo out; echo err >&2", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "out\n")
    err, said = done.stderr.splitlines()
    assert err == "err"
    assert said.startswith("memtrace: no profile")
    assert memtrace("run", "true", MEMTRACE_QUIET=1).stderr == ""


def test_run_puts_the_library_in_front_and_leaves_no_list_behind(tmp_path):
    # The command is preloaded too, which a sanitized build would refuse.
    done = memtrace("run", "-o", "here.%p", "--events=all", "--", "env", TMPDIR=tmp_path,
                    LD_PRELOAD="libdl.so.2", ASAN_OPTIONS="verify_asan_link_order=0")
    variables = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert variables["LD_PRELOAD"] == f"{LIBRARY}:libdl.so.2"
    assert variables["MEMTRACE_OUT"] == "here.%p"
    assert variables["MEMTRACE_EVENTS"] == "all"
    assert variables["MEMTRACE_LIST"].startswith(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_options_behind_the_command_are_the_commands():
    assert memtrace("run", "echo", "-o", "--help", "--", "x").stdout == "-o --help -- x\n"


@pytest.mark.hazard("nothing can be loaded")
def test_run_warns_of_a_static_program(tmp_path):
    source = tmp_path / "static.c"
    source.write_text("int main(void) { return 5; }\n")
    program = tmp_path / "static"
    built = subprocess.run(["gcc", "-static", "-o", program, source], capture_output=True)
    if built.returncode:
        pytest.skip("no static C library: apt-get install libc6-dev")
    done = memtrace("run", program)
    assert done.returncode == 5
    assert f"{program} is statically linked" in done.stderr.splitlines()[0]


def test_signals_reach_the_command(tmp_path):
    ready = tmp_path / "ready"
    script = f"trap 'exit 42' USR1; touch {ready}; while :; do sleep 0.05; done"
    with subprocess.Popen([COMMAND, "run", "sh", "-c", script], env=clean_environment(),
                          stderr=subprocess.DEVNULL) as runner:
        until = time.monotonic() + 20
        while not ready.exists() and time.monotonic() < until:
            time.sleep(0.02)
        os.kill(runner.pid, signal.SIGUSR1)
        assert runner.wait(20) == 42


def test_doctor(any_python, tmp_path):
    done = memtrace("doctor", "--json", "--", any_python, cwd=tmp_path)
    facts = {fact["what"]: fact for fact in json.loads(done.stdout)["facts"]}
    assert done.returncode == 0, done.stdout
    assert facts["library"]["found"] == str(LIBRARY)
    assert facts["interpreter"]["verdict"] == "ok"
    assert "CPython 3." in facts["interpreter"]["found"]
    assert memtrace("doctor", "--", "no-such-command").returncode == 1
    assert list(tmp_path.iterdir()) == []


def test_a_program_and_its_report(any_python, tmp_path):
    script = tmp_path / "keeps.py"
    script.write_text("dot, kept = b'.', []\n"
                      "for i in range(1000):\n"
                      "    kept.append(dot * (5000 - 33))  # \x1b[31mred\n")
    done = memtrace("run", any_python, script, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert len(done.stderr.splitlines()) == 1
    (profile,) = tmp_path.glob("*.memtrace")
    assert f"memtrace report {profile.name}" in done.stderr
    text = memtrace("report", "-n", 1, cwd=tmp_path).stdout
    # The blocks and the list that holds them.
    assert "keeps.py:3: size=4.8 MiB (+4.8 MiB), count=1,001 (+1,001), average=" in text
    assert "    kept.append(dot * (5000 - 33))  # \\x1b[31mred\n" in text
    for by in ("own", "stack"):
        assert "keeps.py:3: size=4.8 MiB" in memtrace("report", "-n", 1, "--by", by, cwd=tmp_path).stdout
    assert "5.0 MB" in memtrace("report", "-n", 1, "--units", "si", profile).stdout
    assert "\x1b[1m" in memtrace("report", "--color=always", profile).stdout
    narrow = memtrace("report", profile, COLUMNS="60").stdout
    assert "keeps.py:3:\n    size=4.8 MiB" in narrow
    assert memtrace("report", "--focus", "keeps.py:3 ", "--json", "-n", 0, profile).stdout.count(
        '"rank":') == 1


def test_the_next_step_asks_for_the_first_line_since_the_same_mark(any_python, tmp_path):
    (tmp_path / "keeps.py").write_text("import ctypes\n"
                                       "kept = [bytes(4 << 20)]\n"
                                       "ctypes.CDLL(None).memtrace_mark(b\"it's warm\")\n"
                                       "kept += [bytes(5000) for _ in range(200)]\n")
    memtrace("run", "-o", "it is.memtrace", any_python, "keeps.py", cwd=tmp_path)
    said = memtrace("report", "--from", "it's warm", cwd=tmp_path, COLUMNS="60").stdout.splitlines()
    command, purpose = said[-1].removeprefix("next: memtrace ").split("    ")
    assert purpose == "who calls it"
    done = subprocess.run(["bash", "-c", f"'{COMMAND}' {command}"], cwd=tmp_path, check=True,
                          env=clean_environment(), capture_output=True, text=True).stdout
    rows = done[done.index("Growth from it's warm to end, by stack"):].splitlines()
    # The list's own block is in the same stack where comprehensions have no frame.
    assert rows[1].startswith("keeps.py:4: size=98") and "count=20" in rows[1]
    assert not any("keeps.py:2" in row for row in rows)


def test_report_json_has_every_documented_key(any_python, tmp_path):
    memtrace("run", "-o", tmp_path / "run.memtrace", any_python, "-c", "x = [0] * 1000")
    report = json.loads(memtrace("report", "--json", tmp_path / "run.memtrace").stdout)
    assert report["schema"] == "memtrace.report/1"
    assert set(report) >= {"process", "verdict", "growth", "pins", "arenas", "resident", "marks",
                           "peak", "audit"}
    assert set(report["process"]) >= {"pid", "parent_pid", "program", "python", "mode", "end",
                                      "signal", "seconds", "lost_events", "waited_seconds",
                                      "recovered"}
    assert set(report["growth"][0]) >= {
        "file", "line", "function", "size_bytes", "size_diff_bytes", "count", "count_diff",
        "total_count", "total_bytes", "temporary_count", "gc_freed_bytes", "gc_freed_count", "peak_bytes", "p_leak",
        "bytes_per_second", "rank", "stack"}
    assert report["process"]["end"] == "exit" and report["process"]["recovered"] is False
    assert set(report["peak"]) >= {"live_bytes", "seconds", "slack_bytes"}
    assert set(report["arenas"]) >= {"count", "bytes", "live_bytes", "classes"}
    copy = shutil.copy(tmp_path / "run.memtrace", tmp_path / "copy.memtrace")
    both = json.loads(memtrace("report", "--json", tmp_path / "run.memtrace", copy).stdout)
    assert both["schema"] == "memtrace.set/1"
    assert both["reports"] == [report, {**report, "file": str(copy)}]

"""Values that can't be understood, folders that can't be written, and where files go."""

import os
import pathlib
import subprocess

import pytest
from conftest import LIBRARY, ROOT, clean_environment, find_profiles, line_of

SCRIPT = ROOT / "samples/growing_list.py"


def run(python, *args, **variables):
    environment = clean_environment(LD_PRELOAD=LIBRARY, **variables)
    return subprocess.run([python, *map(str, args)], env=environment, capture_output=True, text=True,
                          timeout=60)


@pytest.mark.parametrize("name, value, accepted", [
    ("MEMTRACE_RING", "banana", "64KiB"), ("MEMTRACE_RING", "1", "64KiB"),
    ("MEMTRACE_RING", "99999999999999999999", "64KiB"), ("MEMTRACE_RING", "-1", "64KiB"),
    ("MEMTRACE_JOURNAL", "lots", "64KiB"), ("MEMTRACE_EVENTS", "some", "full"),
    ("MEMTRACE_FULL", "", None), ("MEMTRACE_FULL", "maybe", "wait"),
    ("MEMTRACE_WAIT", "soon", "10s"), ("MEMTRACE_ARGV", "yes", "0 or 1"),
    ("MEMTRACE_REUSE", "auto", "0 or 1"),
    ("MEMTRACE_QUIET", "2", "0 or 1"),
])
def test_value_that_cannot_be_understood(any_python, tmp_path, name, value, accepted):
    out = tmp_path / "x.memtrace"
    variables = {"MEMTRACE_OUT": out, name: value}
    done = run(any_python, "-c", "import sys; print(7); sys.exit(3)", **variables)
    assert (done.returncode, done.stdout) == (3, "7\n")
    if accepted is None:
        # An empty value is as good as none.
        assert done.stderr == "" and find_profiles(tmp_path)
        return
    lines = done.stderr.splitlines()
    assert len(lines) == 1
    assert name in lines[0] and value in lines[0] and accepted in lines[0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name, value", [
    ("MEMTRACE_RING", "64KiB"), ("MEMTRACE_RING", "4MiB"), ("MEMTRACE_RING", "1000000"),
    ("MEMTRACE_JOURNAL", "1MiB"), ("MEMTRACE_FULL", "wait"), ("MEMTRACE_WAIT", "1m"),
    ("MEMTRACE_QUIET", "1"), ("MEMTRACE_ARGV", "1"), ("MEMTRACE_REUSE", "1"),
])
def test_value_that_is_understood(trace, any_python, name, value):
    """A small ring and a small journal change the way, not the result."""
    traced = trace(any_python, SCRIPT, 20_000, env={name: value})
    entry = traced.line(SCRIPT, line_of(SCRIPT, "# leaks"))
    assert (entry["count"], entry["size_bytes"]) == (20_000, 20_000_000)


@pytest.mark.parametrize("absolute", [True, False])
def test_log(any_python, tmp_path, absolute):
    """A relative name is looked for where the program began, not where the collector works."""
    log = tmp_path / "collector.log"
    done = subprocess.run(
        [any_python, "-c", "import os; print(os.getpid())"], cwd=tmp_path, check=True, capture_output=True,
        text=True, timeout=60,
        env=clean_environment(LD_PRELOAD=LIBRARY, MEMTRACE_OUT="x.memtrace",
                              MEMTRACE_LOG=log if absolute else log.name))
    text = log.read_text()
    assert f"follows process {done.stdout.strip()}\n" in text
    assert f"wrote {tmp_path}/x.memtrace" in text
    assert done.stderr == ""


def test_log_that_cannot_be_opened(trace, any_python, tmp_path):
    traced = trace(any_python, SCRIPT, 2000, env={"MEMTRACE_LOG": tmp_path / "none" / "log"})
    assert traced.line(SCRIPT, line_of(SCRIPT, "# leaks"))["count"] == 2000


def test_arguments_are_kept_only_when_asked(trace, any_python):
    secret = "p4ssw0rd"
    for asked in ("0", "1"):
        traced = trace(any_python, "-c", "pass", secret, env={"MEMTRACE_ARGV": asked})
        assert (secret in str(traced.dump())) == (asked == "1")
        for file in trace.out.iterdir():
            file.unlink()


def test_pattern(any_python, tmp_path):
    script = tmp_path / "app.py"
    script.write_text("import os; print(os.getpid())\n")
    done = run(any_python, script, MEMTRACE_OUT=tmp_path / "%x-%p-%h.memtrace")
    name = f"app-{done.stdout.strip()}-{os.uname().nodename}.memtrace"
    assert [p.name for p in find_profiles(tmp_path)] == [name]


@pytest.mark.hazard("children in other folders")
def test_relative_pattern_belongs_to_the_first_process(any_python, tmp_path):
    """A child in another folder writes beside its parent."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', 'pass'], cwd={str(second)!r})"
    subprocess.run([any_python, "-c", code], cwd=first, check=True,
                   env=clean_environment(LD_PRELOAD=LIBRARY, MEMTRACE_OUT="r.memtrace"))
    assert len(find_profiles(first)) == 2
    assert list(second.iterdir()) == []


def test_existing_run_is_not_overwritten(any_python, tmp_path):
    out = tmp_path / "r.memtrace"
    for _ in range(3):
        run(any_python, "-c", "pass", MEMTRACE_OUT=out)
    profiles = find_profiles(tmp_path)
    assert len(profiles) == 3 and out in profiles
    assert len({p.read_bytes() for p in profiles}) == 3


@pytest.mark.hazard("privacy")
def test_profile_is_private(any_python, tmp_path):
    run(any_python, "-c", "pass", MEMTRACE_OUT=tmp_path / "r.memtrace")
    (profile,) = find_profiles(tmp_path)
    assert profile.stat().st_mode & 0o777 == 0o600


@pytest.mark.hazard("full disks")
def test_folder_that_cannot_be_written(any_python, tmp_path):
    fallback = pathlib.Path(f"/var/tmp/memtrace-{os.getuid()}")
    before = set(fallback.glob("*")) if fallback.exists() else set()
    code = ("import subprocess, sys; print(7, flush=True);"
            "subprocess.run([sys.executable, '-c', 'pass'])")
    try:
        done = run(any_python, "-c", code, MEMTRACE_OUT="/proc/nowhere/unwritable.memtrace")
        assert (done.returncode, done.stdout) == (0, "7\n")
        assert len(done.stderr.splitlines()) == 1, "said once, by the first process"
        assert str(fallback) in done.stderr
        made = set(fallback.glob("*")) - before
        assert len([p for p in find_profiles(fallback) if p in made]) == 2
    finally:
        for path in set(fallback.glob("unwritable*")) - before:
            path.unlink()


def test_collector_that_is_missing(any_python, tmp_path):
    """Without a collector the program runs on, untraced."""
    done = run(any_python, "-c", "print(7)", MEMTRACE_OUT=tmp_path / "r.memtrace",
               MEMTRACE_COLLECTOR="/no/such/collector")
    assert (done.returncode, done.stdout) == (0, "7\n")
    assert len(done.stderr.splitlines()) == 1 and "/no/such/collector" in done.stderr
    assert find_profiles(tmp_path) == []


@pytest.mark.hazard("dlsym allocates")
def test_bound_at_start(any_python, tmp_path):
    """dlsym before anything else, with all symbols resolved at once."""
    done = run(any_python, "-c", "print(7)", MEMTRACE_OUT=tmp_path / "r.memtrace", LD_BIND_NOW=1)
    assert (done.returncode, done.stdout, done.stderr) == (0, "7\n", "")
    assert len(find_profiles(tmp_path)) == 1

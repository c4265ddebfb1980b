"""Nothing of the program's memory, arguments or environment gets into a file."""

import os
import signal
import subprocess

import pytest
from conftest import find_profiles, wait_for
from test_hazards import collector_of

zstandard = pytest.importorskip("zstandard", reason="no zstd for Python: apt-get install python3-zstandard")
FRAME = b"\x28\xb5\x2f\xfd"
LARGEST_FRAME = 64 << 20

# Each as the program has it; they are put together there, so that its source doesn't hold them either.
SECRETS = [b"argument-3f9a", b"variable-77c1", b"bytes-51be", b"text-e0d2", b"buffer-c4a8", b"mapping-9b6d",
           b"freed-2d15", b"password-8e44"]
PROGRAM = """\
import ctypes, mmap, os, sys
secret = {name: f"{name}-{number:04x}" for name, number in (
    ("bytes", 0x51be), ("text", 0xe0d2), ("buffer", 0xc4a8), ("mapping", 0x9b6d), ("freed", 0x2d15))}
kept = []
def fill(size):
    kept.append(((secret["bytes"] * size)[:size].encode(), (secret["text"] * size)[:size]))
    buffer = ctypes.create_string_buffer((secret["buffer"] * size)[:size].encode())
    kept.append(buffer)
    del [(secret["freed"] * size)[:size].encode() for _ in range(3)][:]
for size in list(range(20, 600, 7)) * 20 + [5000, 70000]:
    fill(size)
area = mmap.mmap(-1, 1 << 16)
area.write((secret["mapping"] * 5000).encode()[:1 << 16])
kept.append(area)
kept.append((sys.argv, dict(os.environ)))
if hasattr(ctypes.CDLL(None), "memtrace_mark"):
    ctypes.CDLL(None).memtrace_mark(b"filled")
pid = os.fork()
if not pid:
    fill(999)
    os._exit(0)
os.waitpid(pid, 0)
print("ready", flush=True)
sys.stdin.read()
"""


def contents(path):
    """A file's bytes, and what each of its compressed frames holds."""
    data = path.read_bytes()
    parts, at = [data], data.find(FRAME)
    while at >= 0:
        try:
            parts.append(zstandard.ZstdDecompressor().decompressobj().decompress(data[at:]))
        except zstandard.ZstdError:
            pass
        at = data.find(FRAME, at + 1)
    return parts


def leaked(folder):
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            parts = contents(path)
            found += [(path.name, secret) for secret in SECRETS if any(secret in part for part in parts)]
    return found


def start(trace, python, script, **more):
    process = subprocess.Popen(
        [python, script, "argument-" + "3f9a", "--password=" + "password-8e44"], cwd=trace.work,
        env=trace.environment(SECRET="variable-" + "77c1", **more), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "secrets.py"
    path.write_text(PROGRAM)
    return path


def test_this_test_finds_what_is_there(trace, any_python, script):
    """The program's own name is in its files, compressed: so would a secret be."""
    start(trace, any_python, script).communicate(timeout=60)
    profile = find_profiles(trace.out)[0]
    assert not any(b"memtrace_mark" in part for part in contents(profile))
    assert any(str(script).encode() in part for part in contents(profile)[1:])


@pytest.mark.hazard("privacy")
@pytest.mark.parametrize("variables", [{"MEMTRACE_EVENTS": "all"}, {"MEMTRACE_JOURNAL": "64KiB"},
                                       {"MEMTRACE_LOG": "a file"}], ids=lambda v: next(iter(v)))
def test_finished_run(trace, python, script, variables):
    """Profile, kept events, checkpoints, log; and how many of them there are."""
    if "MEMTRACE_LOG" in variables:
        variables = {"MEMTRACE_LOG": trace.out / "log"}
    start(trace, python, script, **variables).communicate(timeout=60)
    assert len(find_profiles(trace.out)) == 2
    assert leaked(trace.out) == []


@pytest.mark.hazard("privacy")
@pytest.mark.parametrize("variables", [{}, {"MEMTRACE_JOURNAL": "64KiB"}], ids=["whole journal", "checkpoints"])
def test_killed_run(trace, any_python, script, variables):
    """Ring and journal as they lie there, and what a recovery makes of them."""
    process = start(trace, any_python, script, **variables)
    collector = collector_of(trace.out)
    os.kill(collector, signal.SIGKILL)
    process.kill()
    process.communicate()
    names = [path.name for path in trace.out.iterdir()]
    assert any(name.endswith(".ring") for name in names) and any(".journal." in name for name in names)
    assert leaked(trace.out) == []


@pytest.mark.hazard("privacy")
def test_arguments_when_asked_for(trace, any_python, script):
    start(trace, any_python, script, MEMTRACE_ARGV="1").communicate(timeout=60)
    assert {secret for _, secret in leaked(trace.out)} == {b"argument-3f9a", b"password-8e44"}


@pytest.mark.hazard("privacy")
def test_files_are_their_owners(trace, any_python, script):
    """While it runs, and when it was killed: nobody else may read them, whatever the umask."""
    before = os.umask(0)
    try:
        process = start(trace, any_python, script, MEMTRACE_EVENTS="all", MEMTRACE_LOG=trace.out / "log")
    finally:
        os.umask(before)
    wait_for(lambda: any(".journal." in path.name for path in trace.out.iterdir()), what="journal")
    running = {path.name: oct(path.stat().st_mode & 0o777) for path in trace.out.iterdir()}
    process.communicate(timeout=60)
    ended = {path.name: oct(path.stat().st_mode & 0o777) for path in trace.out.iterdir()}
    assert set(running.values()) | set(ended.values()) == {"0o600"}

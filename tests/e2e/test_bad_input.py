"""Files, folders and disks that are not what they should be: one clear line, the right status, and a
program that never notices."""

import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess

import pytest
from collectors import group_of_collector
from conftest import COMMAND, LIBRARY, ROOT, Profile, clean_environment, line_of, memtrace, wait_for

SCRIPT = ROOT / "samples/growing_list.py"
COUNT = 2000
HEADER = struct.Struct("<8sIIQQQ24x")
ENTRY = struct.Struct("<4sIQQQ")
NOBODY = 65534
# What a report by line needs to know the line that leaks.
NEEDED_FOR_LINES = ("CODE", "LTAB", "NODE", "CHNG", "STRS")


def assert_refused(done, *words):
    """One sentence, and nothing printed that could be taken for an answer."""
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("memtrace: ")
    for word in words:
        assert str(word) in line


@pytest.fixture(scope="module")
def whole(tmp_path_factory, any_python):
    folder = tmp_path_factory.mktemp("whole")
    done = subprocess.run([any_python, SCRIPT, str(COUNT)], capture_output=True, text=True, timeout=60,
                          env=clean_environment(LD_PRELOAD=LIBRARY, MEMTRACE_OUT=folder / "run.memtrace"))
    assert done.returncode == 0
    return folder / "run.memtrace"


def sections(content):
    """tag -> (offset, stored bytes)"""
    _, _, count, table, _, _ = HEADER.unpack_from(content)
    entries = (ENTRY.unpack_from(content, table + i * ENTRY.size) for i in range(count))
    return {tag.decode(): (offset, stored) for tag, _, offset, stored, _ in entries}


def flipped(content, offset, bit=0x40):
    damaged = bytearray(content)
    damaged[offset] ^= bit
    return bytes(damaged)


def leak_figures(report):
    return f"growing_list.py:{line_of(SCRIPT, '# leaks')}: " in report and f"count={COUNT:,} " in report


def test_damaged_section_costs_that_section_only(whole, tmp_path):
    content = whole.read_bytes()
    found = sections(content)
    assert {"RUN_", "NODE", "SITE", "MARK", "BLKA"} <= set(found)
    path = tmp_path / "damaged.memtrace"
    for tag, (offset, stored) in found.items():
        path.write_bytes(flipped(content, offset + stored // 2))
        done = memtrace("report", "-n", "0", path)
        assert (done.returncode, done.stderr) == (0, ""), tag
        # It alone is named, and what it would have said isn't made up.
        warnings = [line for line in done.stdout.splitlines() if line.startswith("warning: ")]
        assert len(warnings) == 1 and f"section {tag} at offset {offset} " in warnings[0], (tag, warnings)
        assert leak_figures(done.stdout) == (tag not in NEEDED_FOR_LINES), tag
        doubts = memtrace("report", "--json", "-n", "1", path)
        assert doubts.returncode == 0 and f"section {tag} at offset {offset} " in doubts.stdout, tag
        dumped = memtrace("dump", path)
        assert f"section {tag} at offset {offset} " in dumped.stdout + dumped.stderr, tag


def test_undamaged_profile_has_no_warning(whole):
    done = memtrace("report", "-n", "0", whole)
    assert "warning" not in done.stdout and leak_figures(done.stdout)


def test_every_bit_of_the_header_counts(whole, tmp_path):
    content = whole.read_bytes()
    count = HEADER.unpack_from(content)[2]
    path = tmp_path / "header.memtrace"
    for offset in range(0, HEADER.size + count * ENTRY.size, 7):
        path.write_bytes(flipped(content, offset, 1))
        assert_refused(memtrace("report", path), path)


@pytest.mark.parametrize("part", [0.02, 0.5, 0.999])
def test_truncated_profile(whole, tmp_path, part):
    """What lies before the cut is still there."""
    content = whole.read_bytes()
    path = tmp_path / "cut.memtrace"
    path.write_bytes(content[:int(len(content) * part)])
    done = memtrace("report", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"is cut off at offset {path.stat().st_size}: it should have {len(content)} bytes" in done.stdout
    lost = [tag for tag, (offset, stored) in sections(content).items()
            if offset + stored > path.stat().st_size]
    assert lost
    for tag in lost:
        assert f"section {tag} at offset" in done.stdout, tag


def test_cut_within_the_header(whole, tmp_path):
    path = tmp_path / "cut.memtrace"
    for length in (1, 8, 63, 64, 300):
        path.write_bytes(whole.read_bytes()[:length])
        assert_refused(memtrace("report", path), path, length)


def test_version_of_the_future(whole, tmp_path):
    path = tmp_path / "future.memtrace"
    content = bytearray(whole.read_bytes())
    struct.pack_into("<I", content, 8, 77)
    path.write_bytes(content)
    for command in ("report", "dump"):
        assert_refused(memtrace(command, path), path, "version 77")


@pytest.mark.parametrize("content", [b"\x7fELF" + bytes(500), b"#!/bin/sh\n" * 100,
                                     b"MEMTPRF2" + bytes(500)])
def test_foreign_file(tmp_path, content):
    path = tmp_path / "foreign.memtrace"
    path.write_bytes(content)
    assert_refused(memtrace("report", path), path, "isn't a profile")
    # Recovery leaves what it doesn't know alone.
    memtrace("recover", path)
    assert path.read_bytes() == content


def test_device_and_fifo(tmp_path):
    """Neither read for ever nor waited for."""
    os.mkfifo(tmp_path / "pipe.memtrace")
    for path in (tmp_path / "pipe.memtrace", pathlib.Path("/dev/zero")):
        for command in ("report", "dump"):
            assert_refused(memtrace(command, path), path)


@pytest.fixture
def open_folder():
    """A folder that others may look into, which those of pytest are not."""
    folder = pathlib.Path(subprocess.run(["mktemp", "-d", "/tmp/memtrace-test.XXXXXX"], check=True,
                                         capture_output=True, text=True).stdout.strip())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def other_user():
    """Whom to be so that a mode of 0 matters."""
    if os.getuid() != 0:
        return None
    if not shutil.which("setpriv"):
        pytest.skip("setpriv is missing: apt-get install util-linux")
    if not os.stat(COMMAND).st_mode & 0o001 or memtrace("--version", user=NOBODY).returncode:
        pytest.skip("the build folder can't be reached by nobody: build where others may read")
    return NOBODY


def test_unreadable_profile(whole, open_folder):
    user = other_user()
    path = open_folder / "run.memtrace"
    shutil.copy(whole, path)
    path.chmod(0)
    for command in ("report", "dump"):
        assert_refused(memtrace(command, path, user=user), path, "Permission denied")


def test_unreadable_folder(whole, open_folder):
    user = other_user()
    folder = open_folder / "closed"
    folder.mkdir()
    shutil.copy(whole, folder / "run.memtrace")
    folder.chmod(0)
    try:
        assert_refused(memtrace("report", folder / "run.memtrace", user=user), folder, "Permission denied")
        assert_refused(memtrace("ls", folder, user=user), folder, "Permission denied")
    finally:
        folder.chmod(0o700)


def test_answer_that_cannot_be_written(whole):
    if not os.path.exists("/dev/full"):
        pytest.skip("/dev/full is missing")
    for args in (["report"], ["report", "--json"], ["dump"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run([COMMAND, *args, whole], stdout=full, stderr=subprocess.PIPE, text=True,
                                  env=clean_environment(), timeout=60)
        assert done.returncode == 1
        assert "can't write to standard output" in done.stderr and len(done.stderr.splitlines()) == 1


def killed_run(any_python, folder, user, journal_bytes=0):
    """A run whose program and collector were killed after COUNT blocks, and with that much of it in the journal."""
    script = folder / "killed.py"
    script.write_text("import os, time\n"
                      "LETTER, kept = b'.', []\n"
                      f"for i in range({COUNT}):\n"
                      "    kept.append(LETTER * 967)  # leaks\n"
                      "open('ready', 'w').close()\n"
                      "time.sleep(60)\n")
    out = folder / "k.memtrace"
    traced = clean_environment(LD_PRELOAD=LIBRARY, MEMTRACE_OUT=out)
    with subprocess.Popen([any_python, script], cwd=folder, user=user, env=traced) as program:
        wait_for((folder / "ready").exists, 60, what="program")
        wait_for(lambda: os.stat(f"{out}.journal.1").st_size >= journal_bytes, 60, what="journal")
        ring = pathlib.Path(f"{out}.ring").read_bytes()
        collector = struct.unpack_from("<I", ring, 276)[0]
        os.kill(program.pid, 9)
        os.kill(collector, 9)
    wait_for(lambda: not os.path.exists(f"/proc/{collector}/maps") or
             not pathlib.Path(f"/proc/{collector}/cmdline").read_bytes(), what="collector's end")
    return out


def works_for(user, *command):
    try:
        return subprocess.run(command, user=user, capture_output=True).returncode == 0
    except PermissionError:
        return False


def test_recovery_of_what_may_not_be_changed(any_python, open_folder):
    """A report of a run whose folder can't be written recovers it, and leaves all as it is."""
    user = other_user()
    if user:
        os.chown(open_folder, user, user)
        if not works_for(user, any_python, "-c", "pass"):
            pytest.skip(f"nobody can't run {any_python}: name one in MEMTRACE_TEST_PYTHONS")
        if not works_for(user, "cat", LIBRARY):
            pytest.skip(f"nobody can't read {LIBRARY}: build below a folder that others may enter")
    out = killed_run(any_python, open_folder, user)
    open_folder.chmod(0o555)
    before = {path.name: path.read_bytes() for path in open_folder.iterdir()}
    try:
        done = memtrace("report", "-n", "1", out, user=user)
        assert (done.returncode, done.stderr) == (0, "")
        assert "killed.py:4: " in done.stdout and f"count={COUNT + 1:,} " in done.stdout
        assert "recovered: " in done.stdout and str(out) in done.stdout
        assert {path.name: path.read_bytes() for path in open_folder.iterdir()} == before
        assert_refused(memtrace("recover", out, user=user), out, "can't be created")
    finally:
        open_folder.chmod(0o755)


def test_collector_that_takes_its_time_isnt_taken_for_dead(any_python, tmp_path):
    """While it writes the profile its heart stands still: nobody recovers the run under its hands."""
    drained, state_at, pid_at = 2, 272, 276
    out = tmp_path / "slow.memtrace"
    ring = pathlib.Path(f"{out}.ring")
    with subprocess.Popen([any_python, "-c", "import os, time; print(1, flush=True); time.sleep(60)"],
                          stdout=subprocess.PIPE,
                          env=clean_environment(LD_PRELOAD=LIBRARY, MEMTRACE_OUT=out)) as program:
        program.stdout.readline()
        collector = struct.unpack_from("<I", ring.read_bytes(), pid_at)[0]
        os.kill(collector, 19)
        os.kill(program.pid, 9)
    try:
        # As it is in the middle of its writing, for as long as we need to look.
        with open(ring, "r+b") as file:
            file.seek(state_at)
            file.write(struct.pack("<I", drained))
        listed = memtrace("ls", tmp_path).stdout
        assert "draining" in listed and "leftover" not in listed
    finally:
        os.kill(collector, 18)
    wait_for(lambda: not ring.exists(), what="profile")
    assert memtrace("report", out).returncode == 0


@pytest.fixture
def small_disk(tmp_path):
    """small_disk(bytes) gives a folder that holds no more."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = []

    def mount(size):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "memtrace-test", folder],
                              capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"a small disk can't be mounted, run as root outside a container: {done.stderr}")
        mounted.append(folder)
        return folder
    yield mount
    for path in mounted:
        subprocess.run(["umount", path], check=True)


RING_BYTES = "256KiB"
ON_DISK = 200_000


@pytest.fixture(scope="module")
def sizes(tmp_path_factory, any_python):
    """How many bytes a run of ON_DISK blocks has in its ring, its journal and its profile."""
    folder = tmp_path_factory.mktemp("sizes")
    code = f"import os; print(os.stat({str(folder / 'ring.memtrace.ring')!r}).st_size)"
    done = memtrace("run", "-o", folder / "ring.memtrace", any_python, "-c", code, MEMTRACE_RING=RING_BYTES)
    out = folder / "run.memtrace"
    run_on(any_python, out, ON_DISK, MEMTRACE_RING=RING_BYTES, MEMTRACE_EVENTS="full")
    return int(done.stdout), pathlib.Path(f"{out}.journal.1").stat().st_size, out.stat().st_size


def run_on(python, out, count, **variables):
    command = [COMMAND, "run", "-o", out, python, SCRIPT, str(count)]
    done = subprocess.run(command, env=clean_environment(**variables), capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, f"expected: {count} blocks, {count * 1000} bytes\n")
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.hazard("full disks")
def test_disk_full_from_the_start(any_python, small_disk):
    """Not even the ring fits: the profile goes where there is room."""
    out = small_disk("64k") / "full.memtrace"
    command = [COMMAND, "run", "-o", out, any_python, SCRIPT, str(COUNT)]
    done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, f"expected: {COUNT} blocks, {COUNT * 1000} bytes\n")
    said, outcome = done.stderr.splitlines()
    assert "No space left on device" in said and str(out) in said
    profile = pathlib.Path(outcome.split()[-1])
    try:
        assert leak_figures(memtrace("report", profile).stdout)
        assert list(out.parent.iterdir()) == []
    finally:
        profile.unlink()


@pytest.mark.hazard("full disks")
def test_disk_that_fills_up(any_python, small_disk, sizes):
    """The journal doesn't fit, the profile does: all is in it, and what was at risk is said."""
    ring, journal, profile = sizes
    assert journal > profile * 5 // 4
    out = small_disk(ring + profile * 5 // 4) / "full.memtrace"
    run_on(any_python, out, ON_DISK, MEMTRACE_RING=RING_BYTES)
    done = memtrace("report", "-n", "1", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"growing_list.py:{line_of(SCRIPT, '# leaks')}: " in done.stdout and "count=200,000 " in done.stdout
    assert "warning: the journal ended at " in done.stdout
    assert [path.name for path in out.parent.iterdir()] == ["full.memtrace"]


@pytest.mark.hazard("full disks")
def test_disk_without_room_for_the_profile(any_python, small_disk, sizes):
    """The journal fits, the profile doesn't: a report rebuilds it without the disk."""
    ring, journal, profile = sizes
    out = small_disk(ring + journal + profile // 4) / "full.memtrace"
    line = run_on(any_python, out, ON_DISK, MEMTRACE_RING=RING_BYTES, MEMTRACE_EVENTS="full")
    assert str(out) in line and "is the disk full?" in line
    left = {path.name for path in out.parent.iterdir()}
    assert left == {"full.memtrace", "full.memtrace.ring", "full.memtrace.journal.1"}
    done = memtrace("report", "-n", "1", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert "count=200,000 " in done.stdout and "warning" not in done.stdout
    assert {path.name for path in out.parent.iterdir()} == left
    assert_refused(memtrace("recover", out), out, "No space left on device")


def test_bad_variable_through_the_command(any_python, tmp_path):
    done = memtrace("run", "-o", tmp_path / "r.memtrace", any_python, "-c", "print(7)", MEMTRACE_RING="big")
    assert (done.returncode, done.stdout) == (0, "7\n")
    said = done.stderr.splitlines()
    assert "MEMTRACE_RING=big" in said[0] and "64KiB" in said[0]
    assert list(tmp_path.iterdir()) == []


def test_output_folder_that_is_a_file(any_python, tmp_path):
    (tmp_path / "file").touch()
    done = memtrace("run", "-o", tmp_path / "file/r.memtrace", any_python, "-c", "print(7)")
    assert (done.returncode, done.stdout) == (0, "7\n")
    said, outcome = done.stderr.splitlines()
    assert str(tmp_path / "file/r.memtrace") in said and "Not a directory" in said
    os.unlink(outcome.split()[-1])


LOSES_A_SLOT = """\
import sys
FILL, kept = b".", [None] * 3000
def lost(i):
    kept[i] = FILL * 467
def later(i):
    kept[i] = FILL * 467  # later
print("ready", flush=True)
sys.stdin.readline()
for i in range(1000):
    lost(i)
for i in range(1000, 3000):
    later(i)
sys.exit(3)
"""
NODE, KIND_SHIFT, TAIL_AT, SLOTS_AT = 16, 48, 256, struct.Struct("<48xQ")


def lose_first_node(ring):
    """As if the thread that was to write it had never come back to it."""
    content = bytearray(ring.read_bytes())
    slots, = SLOTS_AT.unpack_from(content)
    tail, = struct.unpack_from("<Q", content, TAIL_AT)
    for at in range(slots + 16 * tail, len(content), 16):
        if struct.unpack_from("<Q", content, at)[0] >> KIND_SHIFT & 63 == NODE:
            content[at:at + 32] = bytes(32)
            ring.write_bytes(content)
            return
    raise AssertionError("no stack was new")


def test_a_lost_definition_costs_its_own_stack_only(trace, any_python, tmp_path):
    script = tmp_path / "loses_a_slot.py"
    script.write_text(LOSES_A_SLOT)
    program = trace.start(any_python, script, env={"MEMTRACE_RING": "4MiB"}, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert program.stdout.readline() == "ready\n"
    os.killpg(wait_for(lambda: group_of_collector(trace.out), what="collector"), signal.SIGKILL)
    program.communicate("go\n", timeout=60)
    assert program.returncode == 3
    lose_first_node(pathlib.Path(f"{trace.out / 'run.memtrace'}.ring"))
    profile = Profile(trace.out / "run.memtrace")
    assert profile.line(script, line_of(script, "# later"))["count"] == 2000
    doubts = profile.report()["doubts"]
    # The next definition, or a record or two of that very stack, whichever comes first.
    assert any(re.match(r"[1-3] records? of the stream (was|were) damaged and left out; the first: record .*: "
                        "(definitions before it are missing|an undefined stack)$", doubt) for doubt in doubts), doubts

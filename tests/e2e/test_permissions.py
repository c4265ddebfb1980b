"""Files that others have put there, or may: what is written goes into files of our own, and what another
user's files say is read, and never acted on."""

import os
import pathlib
import shutil
import struct
import subprocess

import pytest
from conftest import LIBRARY, clean_environment, find_profiles, is_profile
from test_bad_input import COUNT, NOBODY, assert_refused, killed_run, memtrace, works_for

OTHER = 65533
KEEP = f"FILL, kept = b'.', []\nfor i in range({COUNT}):\n    kept.append(FILL * 967)\n"


@pytest.fixture
def shared_folder(any_python):
    """A folder that everybody may write to, and only owners may remove from."""
    if os.getuid() != 0:
        pytest.skip("being several users takes root: run it as root")
    folder = pathlib.Path(subprocess.run(["mktemp", "-d", "/tmp/memtrace-test.XXXXXX"], check=True,
                                         capture_output=True, text=True).stdout.strip())
    folder.chmod(0o1777)
    if not works_for(NOBODY, any_python, "-c", "pass") or not works_for(NOBODY, "cat", LIBRARY):
        shutil.rmtree(folder)
        pytest.skip("nobody can't run the interpreter, or read the build: put them where others may")
    yield folder
    shutil.rmtree(folder)


def run_as(user, python, out, *args, **more):
    environment = clean_environment(LD_PRELOAD=LIBRARY, MEMTRACE_OUT=out)
    return subprocess.run([python, "-c", KEEP, *args], cwd="/", user=user, group=user, extra_groups=[],
                          env=environment, capture_output=True, text=True, timeout=120, **more)


def contents(folder):
    return {path.name: (path.read_bytes(), path.lstat().st_mode, path.lstat().st_uid)
            for path in folder.iterdir() if not path.is_symlink()}


def count_of(path):
    done = memtrace("report", "-n", "1", path)
    assert done.returncode == 0, done.stderr
    return f"count={COUNT + 1:,} " in done.stdout


@pytest.mark.hazard("files of others")
@pytest.mark.parametrize("umask", [0, 0o777])
def test_files_are_private_whatever_the_umask(any_python, tmp_path, umask):
    code = "import os; print(oct(os.stat(%r).st_mode & 0o777))"
    out = tmp_path / "r.memtrace"
    before = os.umask(umask)
    try:
        done = subprocess.run([any_python, "-c", code % f"{out}.ring"], capture_output=True, text=True,
                              env=clean_environment(LD_PRELOAD=LIBRARY, MEMTRACE_OUT=out), timeout=60)
    finally:
        os.umask(before)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0o600\n", "")
    assert [path.name for path in tmp_path.iterdir()] == ["r.memtrace"] and is_profile(out)
    assert out.stat().st_mode & 0o777 == 0o600


@pytest.mark.hazard("files of others")
@pytest.mark.parametrize("planted", ["", ".ring"])
@pytest.mark.parametrize("how", ["file", "symlink", "dangling", "hard link", "fifo"])
def test_name_that_is_taken(any_python, shared_folder, planted, how):
    """Where somebody was there first the run has the next name, and nothing is opened on the way."""
    target = shared_folder / "precious"
    target.write_bytes(b"precious")
    os.chown(target, OTHER, OTHER)
    taken = pathlib.Path(f"{shared_folder}/r.memtrace{planted}")
    if how == "file":
        shutil.copy(target, taken)
    elif how == "hard link":
        os.link(target, taken)
    elif how == "fifo":
        os.mkfifo(taken, 0o666)
    else:
        taken.symlink_to(target if how == "symlink" else shared_folder / "nothing")
    os.chown(taken, OTHER, OTHER, follow_symlinks=False)
    before = taken.lstat()
    done = run_as(NOBODY, any_python, shared_folder / "r.memtrace")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert count_of(shared_folder / "r-2.memtrace")
    assert target.read_bytes() == b"precious"
    after = taken.lstat()
    assert (after.st_ino, after.st_uid, after.st_size) == (before.st_ino, before.st_uid, before.st_size)
    assert {path.name for path in shared_folder.iterdir()} == {"precious", taken.name, "r-2.memtrace"}


@pytest.mark.hazard("files of others")
def test_side_files_that_are_taken(any_python, shared_folder):
    """The journal's name belongs to somebody else: the run goes without, and says so."""
    theirs = shared_folder / "r.memtrace.journal.1"
    theirs.write_bytes(b"precious")
    os.chown(theirs, OTHER, OTHER)
    done = run_as(NOBODY, any_python, shared_folder / "r.memtrace")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    report = memtrace("report", "-n", "1", shared_folder / "r.memtrace")
    assert f"count={COUNT + 1:,} " in report.stdout and "warning: the journal ended at 0.000 s" in report.stdout
    assert theirs.read_bytes() == b"precious"
    assert {path.name for path in shared_folder.iterdir()} == {theirs.name, "r.memtrace"}


@pytest.mark.hazard("files of others")
def test_temporary_name_that_is_taken(any_python, shared_folder):
    """The profile can't be written under its temporary name: what was recorded stays for a report."""
    precious, taken = shared_folder / "precious", shared_folder / "r.memtrace.tmp"
    precious.write_bytes(b"precious")
    taken.symlink_to(precious)
    os.chown(taken, OTHER, OTHER, follow_symlinks=False)
    done = run_as(NOBODY, any_python, shared_folder / "r.memtrace")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert precious.read_bytes() == b"precious" and taken.is_symlink()
    assert count_of(shared_folder / "r.memtrace")
    assert precious.read_bytes() == b"precious" and taken.is_symlink()


@pytest.mark.hazard("files of others")
def test_folder_of_ones_own_that_is_somebody_elses(any_python, shared_folder):
    """The place for what can't be written elsewhere has a name that anybody may take first."""
    own = pathlib.Path(f"/var/tmp/memtrace-{OTHER}")
    if own.exists():
        pytest.skip(f"{own} is there already: remove it")
    for mode, owner in ((0o777, OTHER), (0o755, NOBODY)):
        own.mkdir()
        try:
            os.chown(own, owner, owner)
            own.chmod(mode)
            done = run_as(OTHER, any_python, "/proc/nowhere/r.memtrace")
            assert (done.returncode, done.stdout) == (0, "")
            (line,) = done.stderr.splitlines()
            assert "the program runs untraced" in line
            assert list(own.iterdir()) == []
        finally:
            shutil.rmtree(own)


@pytest.mark.hazard("files of others")
def test_report_of_another_users_killed_run(any_python, shared_folder):
    """It is read and told, and its files are left as they are; recover refuses to write for them."""
    folder = shared_folder / "theirs"
    folder.mkdir()
    os.chown(folder, NOBODY, NOBODY)
    out = killed_run(any_python, folder, NOBODY)
    before = contents(folder)
    done = memtrace("report", "-n", "1", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"count={COUNT + 1:,} " in done.stdout and "recovered: " in done.stdout
    assert contents(folder) == before
    assert_refused(memtrace("recover", out), out, f"belong to user {NOBODY}")
    assert contents(folder) == before
    # Its owner may.
    assert memtrace("recover", out, user=NOBODY).returncode == 0
    assert is_profile(out) and out.stat().st_uid == NOBODY and not list(folder.glob("*.ring"))


def fnv(data):
    total = 0xcbf29ce484222325
    for byte in data:
        total = (total ^ byte) * 0x100000001b3 % 2 ** 64
    return total.to_bytes(8, "little")


def next_segment(first):
    """A journal that goes on where `first` ends, with all of it once more."""
    frames, at = [], 88
    while at + 64 <= len(first):
        stored, = struct.unpack_from("<I", first, at + 44)
        frames.append(bytearray(first[at:at + 64 + stored]))
        at += 64 + stored
    if at > len(first):  # cut short by the kill
        frames.pop()
    count, end = len(frames), frames[-1][24:32]
    header = bytearray(first[:88])
    struct.pack_into("<I", header, 16, 2)
    struct.pack_into("<Q", header, 64, count)
    header[80:88] = fnv(header[:80])
    for number, frame in enumerate(frames):
        struct.pack_into("<Q", frame, 8, count + number)
        frame[16:32] = end * 2
        frame[56:64] = fnv(frame[:56])
    return bytes(header) + b"".join(frames)


@pytest.mark.hazard("files of others")
def test_files_of_others_among_ours(any_python, shared_folder):
    """Somebody goes on with the journal of a killed run: nothing of it is taken."""
    out = killed_run(any_python, shared_folder, NOBODY, journal_bytes=8192)
    forged = pathlib.Path(f"{out}.journal.2")
    forged.write_bytes(next_segment(pathlib.Path(f"{out}.journal.1").read_bytes()))
    ring = pathlib.Path(f"{out}.ring")

    def said(owner):
        os.chown(forged, owner, owner)
        forged.chmod(0o644)
        done = memtrace("report", "-n", "1", out)
        assert (done.returncode, done.stderr) == (0, "") and ring.exists()
        return done.stdout
    # Of the same user it would be a part of the run, which doesn't add up then.
    assert "warning: " in said(NOBODY)
    assert "warning: " not in said(OTHER) and f"count={COUNT + 1:,} " in said(OTHER)


@pytest.mark.hazard("files of others")
def test_output_that_is_a_link_by_now(any_python, shared_folder):
    """Between death and recovery the profile's place was taken by a link to something that matters."""
    folder = shared_folder / "open"
    folder.mkdir()
    folder.chmod(0o777)
    out = killed_run(any_python, folder, NOBODY)
    precious = shared_folder / "precious"
    precious.write_bytes(b"precious")
    os.chown(precious, NOBODY, NOBODY)
    out.unlink()
    out.symlink_to(precious)
    done = memtrace("recover", out, user=NOBODY)
    assert done.returncode != 0 and precious.read_bytes() == b"precious" and out.is_symlink()


@pytest.mark.hazard("limits")
@pytest.mark.parametrize("setuid", [False, True])
def test_program_that_drops_its_privileges(any_python, shared_folder, setuid):
    """The files stay its first user's, and all is in them, also of what came after."""
    folder = shared_folder / "mine"
    folder.mkdir(mode=0o700)
    drop = f"import os; os.setgid({NOBODY}); os.setuid({NOBODY})\n" if setuid else ""
    done = subprocess.run([any_python, "-c", drop + KEEP], cwd="/", capture_output=True, text=True, timeout=120,
                          env=clean_environment(LD_PRELOAD=LIBRARY, MEMTRACE_OUT=folder / "r.memtrace"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (profile,) = find_profiles(folder)
    assert profile.stat().st_uid == 0 and count_of(profile)



"""Disks of several kinds, and such as fill up, vanish or can't be written while a program runs: it never
notices, and what was lost is told."""

import os
import pathlib
import shutil
import subprocess

import pytest
from conftest import COMMAND, CONSERVED, LIBRARY, Profile, clean_environment, find_profiles, line_of

BEFORE, AFTER = 20_000, 60_000
# Of the journal: many segments, and checkpoints in their place; or one that only grows.
SHORT, LONG = "64KiB", "256MiB"
PROGRAM = f"""\
import os, shutil, sys
FILL, kept = b".", [None] * {BEFORE + AFTER}
what, folder = sys.argv[1:]
filler = os.path.join(folder, "filler")

def fill():
    with open(filler, "wb", buffering=0) as file:
        for size in (1 << 20, 1 << 16, 1 << 12, 1):
            try:
                while file.write(bytes(size)):
                    pass
            except OSError:
                pass

for i in range({BEFORE}):
    kept[i] = FILL * (600 + i % 97)  # before
if what in ("fills", "fills for a while"):
    fill()
elif what == "removes":
    # The collector goes on making files, and removing its own.
    while os.path.exists(folder):
        shutil.rmtree(folder, ignore_errors=True)
elif what == "renames":
    os.rename(folder, folder + "-moved")
for i in range({BEFORE}, {BEFORE + AFTER}):
    kept[i] = FILL * (600 + i % 97)  # after
if what == "fills for a while":
    os.unlink(filler)
print(len(kept) - kept.count(None))
sys.exit(3)
"""


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


def run_on(python, program, what, folder, *command, **variables):
    settings = {"MEMTRACE_RING": "256KiB", "MEMTRACE_JOURNAL": LONG, **variables}
    done = subprocess.run([*command, python, program, what, folder], capture_output=True, text=True, timeout=300,
                          env=clean_environment(**settings))
    assert (done.returncode, done.stdout) == (3, f"{BEFORE + AFTER}\n"), done.stderr
    return done.stderr


def traced(out):
    return {"LD_PRELOAD": LIBRARY, "MEMTRACE_OUT": out}


def counts(profile, program):
    return [profile.line(program, line_of(program, text))["count"] for text in ("# before", "# after")]


def report_of(path):
    done = subprocess.run([COMMAND, "report", "-n", "1", path], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def mounted(*command):
    done = subprocess.run(["mount", *map(str, command)], capture_output=True, text=True)
    return done.stderr if done.returncode else None


@pytest.fixture
def disk(tmp_path):
    """disk(kind, mebibytes) gives a folder on a file system of its own."""
    folder, rest = tmp_path / "disk", tmp_path / "rest"
    folder.mkdir()
    rest.mkdir()
    used = []

    def tmpfs(size, *options):
        return mounted("-t", "tmpfs", "-o", ",".join([f"size={size}m", *options]), "memtrace-test", folder)

    def ext4(size):
        image = rest / "image"
        with open(image, "wb") as file:
            file.truncate(size << 20)
        tool = shutil.which("mkfs.ext4", path=os.environ["PATH"] + ":/sbin:/usr/sbin")
        if not tool:
            return "mkfs.ext4 is missing: apt-get install e2fsprogs"
        subprocess.run([tool, "-q", "-F", image], check=True, capture_output=True)
        return mounted("-o", "loop", image, folder)

    def overlay(size):
        trouble = mounted("-t", "tmpfs", "-o", f"size={size}m", "memtrace-test", rest)
        if trouble:
            return trouble
        used.append(rest)
        for name in ("lower", "upper", "work"):
            (rest / name).mkdir()
        return mounted("-t", "overlay", "-o", f"lowerdir={rest}/lower,upperdir={rest}/upper,workdir={rest}/work",
                       "memtrace-test", folder)

    def make(kind, size, *options):
        trouble = {"tmpfs": tmpfs, "ext4": ext4, "overlay": overlay}[kind](size, *options)
        if trouble:
            pytest.skip(f"{kind} can't be mounted, run as root outside a container: {trouble}")
        used.append(folder)
        return folder
    yield make
    for path in reversed(used):
        subprocess.run(["umount", "-l", path], check=True)


@pytest.mark.hazard("full disks")
@pytest.mark.parametrize("kind", ["tmpfs", "ext4", "overlay"])
def test_kinds_of_disks(any_python, disk, program, kind):
    folder = disk(kind, 24)
    traced_here = traced(folder / "r.memtrace")
    assert run_on(any_python, program, "nothing", folder, MEMTRACE_JOURNAL=SHORT, **traced_here) == ""
    profile = Profile(folder / "r.memtrace")
    assert counts(profile, program) == [BEFORE, AFTER]
    profile.check()
    assert "warning: " not in report_of(profile.path)
    assert find_profiles(folder) == [p for p in folder.iterdir() if p.is_file()] == [profile.path]


@pytest.mark.hazard("full disks")
@pytest.mark.parametrize("kind", ["tmpfs", "ext4", "overlay"])
def test_disk_that_is_full_for_a_while(any_python, disk, program, kind):
    """The journal finds no room, the profile does: all is in it, and what was at risk is told."""
    folder = disk(kind, 24)
    assert run_on(any_python, program, "fills for a while", folder, **traced(folder / "r.memtrace")) == ""
    profile = Profile(folder / "r.memtrace")
    assert counts(profile, program) == [BEFORE, AFTER]
    profile.check()
    assert "warning: the journal ended at " in report_of(profile.path)
    assert {p.name for p in folder.iterdir()} - {"lost+found"} == {"r.memtrace"}


@pytest.mark.hazard("full disks")
@pytest.mark.parametrize("journal", [SHORT, LONG])
@pytest.mark.parametrize("kind", ["tmpfs", "ext4", "overlay"])
def test_disk_that_stays_full(any_python, disk, program, kind, journal):
    """Not even the profile may find room. What is told of the run then isn't told as if it were all."""
    folder = disk(kind, 24)
    said = run_on(any_python, program, "fills", folder, COMMAND, "run", "-o", folder / "r.memtrace", "--",
                  MEMTRACE_JOURNAL=journal)
    (line,) = said.splitlines()
    if (folder / "r.memtrace").stat().st_size:
        # What the journal gave back was enough.
        profile = Profile(folder / "r.memtrace")
        assert counts(profile, program) == [BEFORE, AFTER]
        profile.check()
        return
    assert "r.memtrace" in line and "disk full" in line
    done = subprocess.run([COMMAND, "report", "--json", "-n", "0", folder / "r.memtrace"], capture_output=True,
                          text=True, timeout=120)
    if done.returncode:
        assert done.stdout == "" and str(folder / "r.memtrace") in done.stderr
        return
    # Journal and ring are there yet, and may hold all of it.
    profile = Profile(folder / "r.memtrace")
    if counts(profile, program) == [BEFORE, AFTER]:
        assert "recovered: " in report_of(profile.path)
    else:
        assert "warning: " in report_of(profile.path)


@pytest.mark.hazard("full disks")
@pytest.mark.parametrize("what", ["removes", "renames"])
def test_folder_that_is_gone(any_python, tmp_path, program, what):
    """The program's files are mapped, and stay. The profile has nowhere to go, which is said."""
    folder = tmp_path / "gone"
    folder.mkdir()
    said = run_on(any_python, program, what, folder, COMMAND, "run", "-o", folder / "r.memtrace", "--",
                  MEMTRACE_JOURNAL=SHORT)
    (line,) = said.splitlines()
    assert str(folder / "r.memtrace") in line and "No such file or directory" in line
    assert not folder.exists()


@pytest.mark.hazard("full disks")
def test_disk_that_cannot_be_written(any_python, disk, program):
    folder = disk("tmpfs", 8, "ro")
    said = run_on(any_python, program, "nothing", folder, COMMAND, "run", "-o", folder / "readonly.memtrace", "--")
    elsewhere, outcome = said.splitlines()
    path = pathlib.Path(outcome.split()[-1])
    try:
        assert "Read-only file system" in elsewhere and f"/var/tmp/memtrace-{os.getuid()}/" in elsewhere
        assert counts(Profile(path), program) == [BEFORE, AFTER]
    finally:
        path.unlink()


@pytest.mark.hazard("full disks")
def test_ring_that_fills_the_disk(any_python, disk, program):
    """64 MiB of /dev/shm are what a container has; the ring is asked for in whole before it is used."""
    folder = disk("tmpfs", 64)
    said = run_on(any_python, program, "nothing", folder, COMMAND, "run", "-o", folder / "large.memtrace", "--",
                  MEMTRACE_RING="64MiB")
    elsewhere, outcome = said.splitlines()
    path = pathlib.Path(outcome.split()[-1])
    try:
        assert "No space left on device" in elsewhere
        assert counts(Profile(path), program) == [BEFORE, AFTER] and list(folder.iterdir()) == []
    finally:
        path.unlink()


@pytest.mark.hazard("full disks")
def test_books_are_kept_whatever_the_disk_does(any_python, disk, program):
    """Full at the start but for the ring, and at the end: the run's own check of its figures holds."""
    folder = disk("tmpfs", 1)
    run_on(any_python, program, "fills for a while", folder, **traced(folder / "r.memtrace"))
    run = Profile(folder / "r.memtrace").run_record()
    assert run["flags"] & CONSERVED and run["crash_safe_until_ms"] < run["duration_ms"]

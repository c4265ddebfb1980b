"""Nothing is lost when everything is killed at once, by the account of a witness.

The program writes down, in a mapping that survives it, what it is about to do with each of its blocks and
that it has done it (programs/witness.c). After the kill, and a recovery, the profiles hold every block whose
allocation had returned and whose free had not been called, and none whose free had returned. A call in
progress may go either way."""

import os
import pathlib
import random
import signal
import struct
import subprocess
import time

import pytest
from conftest import COMMAND, CONSERVED, PROGRAMS, Profile, find_profiles, line_of, wait_for

SHORT, LONG = 10, 100
KILLS = LONG if os.environ.get("MEMTRACE_TEST_LONG") else SHORT
KILLS_BEHIND_CHECKPOINTS = KILLS // 2
# As far as the number that tells a checkpoint from another segment.
JOURNAL_HEADER = struct.Struct("<8s6I")
FREE, ALLOCATING, LIVE, MOVING, FREEING = range(5)
REGIONS, ENTRIES, IN_USE = 12, 400, 2
ENTRY = struct.Struct("<4Q")
REGION_BYTES = 16 + ENTRIES * ENTRY.size

PROGRAM = """\
import ctypes, os, sys, threading, time
library, ledger, mode = sys.argv[1:]
witness, parallel = ctypes.PyDLL(library), ctypes.CDLL(library)
assert witness.witness_open(ledger.encode()) == 0

def other_blocks():
    [bytes(n) for n in range(100)]

def churn(index, seconds=60):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        witness.witness_step(index, 50, 3)  # step
        other_blocks()

def churn_in_parallel(index):
    while True:
        parallel.witness_step(index, 200, 1)  # step

def fork(index):
    child = witness.witness_claim()
    if child < 0:
        return
    witness.witness_copy(index, child)
    if os.fork() == 0:
        churn(child, 0.03)
        fork(child)
        # Every third one ends before its parents do.
        churn(child, 0.01 if child % 3 == 0 else 60)
        witness.witness_leave(child)
        os._exit(0)

if mode == "threaded":
    for target in (churn, churn, churn_in_parallel, churn_in_parallel):
        threading.Thread(target=target, args=(witness.witness_claim(),)).start()
mine = witness.witness_claim()
while mode == "forking":
    churn(mine, 0.05)
    fork(mine)
churn(mine)
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    path = tmp_path_factory.mktemp("witness") / "witness.so"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", path, PROGRAMS / "witness.c"], check=True)
    return path


class Process:
    """What the ledger says of one process: its blocks, and how many calls were in progress."""

    def __init__(self):
        self.live, self.leaving, self.coming = {}, set(), 0

    def add(self, state, address, size):
        if state == LIVE:
            self.live[address] = size
        elif state in (FREEING, MOVING):
            self.leaving.add(address)
        self.coming += state in (ALLOCATING, MOVING)


def read_ledger(path):
    """pid -> Process, of those that had begun and not ended."""
    data, told = path.read_bytes(), {}
    for start in range(8, 8 + REGIONS * REGION_BYTES, REGION_BYTES):
        state, pid = struct.unpack_from("<II", data, start)
        if state != IN_USE:
            continue
        process = told.setdefault(pid, Process())
        for entry in ENTRY.iter_unpack(data[start + 16:start + REGION_BYTES]):
            process.add(*entry[:3])
    return told


def is_marked(block, chains):
    size, chain = block["bytes"], chains[block["stack"]]
    by_step = chain and chain[0][1] in ("churn", "churn_in_parallel")
    return size % 1024 == 517 if size > 512 else size % 8 == 5 and by_step


def check(profile, process):
    """Returns how many blocks were compared."""
    run, = profile.section("RUN")
    assert run["flags"] & CONSERVED
    assert run["replaced"] == run["misplaced"] == run["bad_records"] == 0
    blocks, chains = profile.blocks(), profile.chains()
    missing = {address: size for address, size in process.live.items()
               if address not in blocks or blocks[address]["bytes"] != size}
    assert not missing, f"{len(missing)} of {len(process.live)} blocks are missing: {missing}"
    extra = [address for address, block in blocks.items()
             if is_marked(block, chains) and address not in process.live and address not in process.leaving]
    assert len(extra) <= process.coming, f"{len(extra)} blocks are there that were freed: {extra}"
    return len(process.live)


def group_of_collector(folder):
    """The first collector leads the group of all that were forked for the children."""
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes()
        except OSError:
            continue
        if b"memtrace-collector" in command and str(folder).encode() in command:
            return os.getpgid(int(entry.parent.name))
    return None


def is_alive(group):
    """A zombie whose parent won't wait is as dead as can be."""
    for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] not in "ZX":
            return True
    return False


def start(trace, python, library, mode, env=None):
    """A program at work, with its ledger and the process groups of it and of its collectors."""
    script, ledger = trace.work / "program.py", trace.work / "ledger"
    script.write_text(PROGRAM)
    program = trace.start(python, script, library, ledger, mode, env=env, start_new_session=True,
                          stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: ledger.exists() and ledger.stat().st_size and read_ledger(ledger), 60, what="work")
        collectors = wait_for(lambda: group_of_collector(trace.out), what="collector")
    except BaseException:
        os.killpg(program.pid, signal.SIGKILL)
        raise
    return program, ledger, collectors


def kill(program, *groups):
    for group in groups:
        os.killpg(group, signal.SIGKILL)
    program.wait()
    for group in groups:
        wait_for(lambda: not is_alive(group), what="death")


# What is said of a child that was killed in its very first event, while its files were being made.
NOTHING_RECORDED = ("ended before it recorded anything", "is empty, and nothing is beside it to recover from",
                    ".ring: 0 bytes are too short for a ring")


def recover(out):
    """A child that was killed in its very first event has files, and nothing in them."""
    done = subprocess.run([COMMAND, "recover", out], capture_output=True, text=True)
    if done.returncode and any(reason in done.stderr for reason in NOTHING_RECORDED):
        pathlib.Path(f"{out}.ring").unlink(missing_ok=True)
        out.unlink()
    else:
        assert done.returncode == 0, done.stderr


def recover_all(trace, dice):
    """In any order."""
    outs = sorted(trace.out.glob("*.memtrace"))
    dice.shuffle(outs)
    for out in outs:
        recover(out)


def unfinished(trace):
    return {ring.with_suffix("") for ring in trace.out.glob("*.ring")}


def check_that_nothing_is_left(trace, recovered):
    """But the profiles, and the journals that a killed collector had linked for a child that had no event
    yet, of a parent that had ended by then: nobody knows of those."""
    for path in set(trace.out.iterdir()) - set(find_profiles(trace.out)):
        parent, fork, _ = path.name.partition(".fork.")
        assert fork and ".journal." in path.name and trace.out / parent not in recovered, path


def profiles_by_pid(trace):
    profiles = map(Profile, find_profiles(trace.out))
    return {profile.run_record()["pid"]: profile for profile in profiles}


def kill_all_and_check(trace, dice, program, ledger, collectors):
    kill(program, *dice.sample([program.pid, collectors], 2))
    told, recovered = read_ledger(ledger), unfinished(trace)
    recover_all(trace, dice)
    profiles = profiles_by_pid(trace)
    assert sum(check(profiles[pid], process) for pid, process in told.items()) > 0
    profiles[program.pid].check(killed=True)
    check_that_nothing_is_left(trace, recovered)


@pytest.mark.hazard("sudden ends")
@pytest.mark.parametrize("kill_number", range(KILLS))
@pytest.mark.parametrize("mode", ["single", "threaded", "forking"])
def test_everything_is_killed(trace, any_python, library, mode, kill_number):
    dice = random.Random(f"{mode} {kill_number}")
    env = {"MEMTRACE_RING": dice.choice(["64KiB", "256KiB", "2MiB"]),
           # The smaller ones are replaced by checkpoints again and again.
           "MEMTRACE_JOURNAL": dice.choice(["64KiB", "256KiB", "256MiB"])}
    program, ledger, collectors = start(trace, any_python, library, mode, env)
    time.sleep(dice.uniform(0, 0.8))
    kill_all_and_check(trace, dice, program, ledger, collectors)


def has_checkpoint(path):
    """A journal's first segment, which may be replaced while it is read: a whole header or none."""
    try:
        magic, *_, covers = JOURNAL_HEADER.unpack(path.read_bytes()[:JOURNAL_HEADER.size])
    except (OSError, struct.error):
        return False
    return magic == b"MEMTJNL1" and covers > 0


@pytest.mark.parametrize("kill_number", range(KILLS_BEHIND_CHECKPOINTS))
@pytest.mark.parametrize("mode", ["single", "threaded", "forking"])
def test_everything_is_killed_behind_checkpoints(trace, any_python, library, mode, kill_number):
    """A checkpoint has been made; of two processes of a tree, where the program forks."""
    dice = random.Random(f"checkpoints {mode} {kill_number}")
    env = {"MEMTRACE_RING": dice.choice(["64KiB", "256KiB", "2MiB"]), "MEMTRACE_JOURNAL": "64KiB"}
    wanted = 2 if mode == "forking" else 1
    program, ledger, collectors = start(trace, any_python, library, mode, env)
    try:
        wait_for(lambda: sum(map(has_checkpoint, trace.out.glob("*.journal.1"))) >= wanted, 120,
                 what="checkpoints")
        time.sleep(dice.uniform(0, 0.5))
    except BaseException:
        kill(program, program.pid, collectors)
        raise
    kill_all_and_check(trace, dice, program, ledger, collectors)


@pytest.mark.parametrize("mode", ["single", "threaded", "forking"])
def test_the_program_is_killed(trace, any_python, library, mode):
    """Its collectors find it dead and write what it left."""
    program, ledger, collectors = start(trace, any_python, library, mode, {"MEMTRACE_RING": "64KiB"})
    time.sleep(0.3)
    kill(program, program.pid)
    wait_for(lambda: not is_alive(collectors), 120, what="end of the collectors")
    for ring in trace.out.glob("*.ring"):
        recover(ring.with_suffix(""))
    told, profiles = read_ledger(ledger), profiles_by_pid(trace)
    assert sum(check(profiles[pid], process) for pid, process in told.items()) > 0
    assert sorted(trace.out.iterdir()) == find_profiles(trace.out)


GOES_ON = """\
import sys
FILL, kept = b".", [None] * 200000
for i in range(1000):
    kept[i] = FILL * 467  # before
print("ready", flush=True)
for i in range(1000, 1000 + int(sys.stdin.readline())):
    kept[i] = FILL * 467  # after
print(kept.count(kept[0]))
sys.exit(3)
"""


@pytest.mark.hazard("a collector that stands still")
@pytest.mark.parametrize("ring, blocks, whole", [("4MiB", 1000, True), ("256KiB", 150_000, False)])
def test_the_collector_is_killed(trace, any_python, tmp_path, ring, blocks, whole):
    """The program goes on as if nothing had happened. What the ring holds is kept, be it all of it: then
    recording stops."""
    script = tmp_path / "goes_on.py"
    script.write_text(GOES_ON)
    program = trace.start(any_python, script, env={"MEMTRACE_RING": ring}, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert program.stdout.readline() == "ready\n"
    os.killpg(wait_for(lambda: group_of_collector(trace.out), what="collector"), signal.SIGKILL)
    out, err = program.communicate(f"{blocks}\n", timeout=60)
    assert (program.returncode, out, err) == (3, f"{1000 + blocks}\n", "")
    profile = Profile(trace.out / "run.memtrace")
    said = subprocess.run([COMMAND, "report", profile.path], capture_output=True, text=True).stdout
    assert "recovered: " in said
    before, after = (profile.line(script, line_of(script, text))["count"] for text in ("# before", "# after"))
    assert before == 1000
    if whole:
        assert after == blocks and profile.report()["process"]["end"] == "exit"
    else:
        assert 0 < after < blocks and said.count("recording stopped at") == 1
    profile.check(killed=not whole)

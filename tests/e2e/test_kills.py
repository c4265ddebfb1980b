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
from collectors import group_of_collector
from conftest import (COMMAND, CONSERVED, PROGRAMS, SECONDS, Profile, clean_environment, find_profiles, line_of,
                      wait_for)

SHORT, LONG = 4, 100
KILLS = LONG if os.environ.get("MEMTRACE_TEST_LONG") else SHORT
FREE, ALLOCATING, LIVE, MOVING, FREEING = range(5)
REGIONS, ENTRIES, IN_USE = 12, 400, 2
ENTRY = struct.Struct("<4Q")
REGION_BYTES = 16 + ENTRIES * ENTRY.size

# From the journal's header (collector/journal.h).
PID, COVERS = struct.Struct("<20xI"), struct.Struct("<28xI")

PROGRAM = """\
import ctypes, os, sys, threading, time
library, ledger, mode, *end = sys.argv[1:]
witness, parallel = ctypes.PyDLL(library), ctypes.CDLL(library)
assert witness.witness_open(ledger.encode()) == 0

def other_blocks():
    [bytes(n) for n in range(100)]

def churn(index, seconds=600):
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
        churn(child, 0.01 if child % 3 == 0 else 600)
        witness.witness_leave(child)
        os._exit(0)

if mode == "threaded":
    for target in (churn, churn, churn_in_parallel, churn_in_parallel):
        threading.Thread(target=target, args=(witness.witness_claim(),)).start()
mine = witness.witness_claim()
while mode == "forking":
    churn(mine, 0.05)
    fork(mine)
churn(mine, 0.3 if end else 600)
for statement in end:
    exec(statement)
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


def checkpoints(out):
    """pid -> how many segments its checkpoint stands for, of those that have one."""
    told = {}
    for path in out.glob("*.journal.1"):
        try:
            header = path.read_bytes()[:88]
        except FileNotFoundError:
            continue
        if len(header) == 88 and COVERS.unpack_from(header)[0]:
            told[PID.unpack_from(header)[0]] = COVERS.unpack_from(header)[0]
    return told


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


def recover(out):
    """A child that was killed in its very first event has files, and nothing in them."""
    done = subprocess.run([COMMAND, "recover", out], capture_output=True, text=True)
    nothing = "ended before it recorded anything" in done.stderr or "nothing is beside it" in done.stderr
    if done.returncode and nothing and out.stat().st_size == 0:
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


def check_that_nothing_is_left(trace):
    """But the profiles. Journals for a child that had no event yet, of a parent that had ended by then, go
    with a recovery of that."""
    for path in find_profiles(trace.out):
        recover(path)
    assert sorted(trace.out.iterdir()) == find_profiles(trace.out)


def profiles_by_pid(trace):
    profiles = map(Profile, find_profiles(trace.out))
    return {profile.run_record()["pid"]: profile for profile in profiles}


def kill_and_check(trace, program, ledger, collectors, dice):
    """Returns how many blocks were compared."""
    kill(program, *dice.sample([program.pid, collectors], 2))
    told = read_ledger(ledger)
    recover_all(trace, dice)
    profiles = profiles_by_pid(trace)
    compared = sum(check(profiles[pid], process) for pid, process in told.items())
    assert compared > 0
    profiles[program.pid].check(killed=True)
    check_that_nothing_is_left(trace)
    return compared


@pytest.mark.hazard("sudden ends")
@pytest.mark.parametrize("kill_number", range(KILLS))
@pytest.mark.parametrize("journal", ["small", "large"])
@pytest.mark.parametrize("mode", ["single", "threaded", "forking"])
def test_everything_is_killed(trace, any_python, library, mode, journal, kill_number, request):
    """A small journal is replaced by checkpoints again and again."""
    dice, tell = random.Random(f"{mode} {journal} {kill_number}"), request.node.user_properties.append
    env = {"MEMTRACE_RING": dice.choice(["64KiB", "256KiB", "2MiB"]),
           "MEMTRACE_JOURNAL": "64KiB" if journal == "small" else "256MiB"}
    program, ledger, collectors = start(trace, any_python, library, mode, env)
    try:
        if journal == "small":
            wait_for(lambda: checkpoints(trace.out), what="checkpoint")
        time.sleep(dice.uniform(0, 0.8))
        tell(("segments", sum(checkpoints(trace.out).values())))
    except BaseException:
        kill(program, program.pid, collectors)
        raise
    tell(("blocks", kill_and_check(trace, program, ledger, collectors, dice)))


@pytest.mark.hazard("sudden ends")
def test_a_family_behind_checkpoints_is_killed(trace, any_python, library):
    """Parent and children, each behind several checkpoints of its own."""
    env = {"MEMTRACE_RING": "64KiB", "MEMTRACE_JOURNAL": "64KiB"}
    program, ledger, collectors = start(trace, any_python, library, "forking", env)
    seen = set()

    def three_have_two():
        seen.update(checkpoints(trace.out).items())
        pids = [pid for pid, _ in seen]
        behind = {pid for pid in pids if pids.count(pid) >= 2} & set(read_ledger(ledger))
        return program.pid in behind and len(behind) >= 3
    try:
        wait_for(three_have_two, 240, what="two checkpoints each of parent and two children")
    finally:
        compared = kill_and_check(trace, program, ledger, collectors, random.Random(1))
    assert compared > 300


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


ENDS = {
    "falls off": ("pass", 0, "exit"),
    "os._exit": ("os._exit(4)", 4, "_exit"),
    "os.abort": ("os.abort()", -signal.SIGABRT, "died"),
    "SIGSEGV": ("ctypes.string_at(0)", -signal.SIGSEGV, "died"),
    "exec": ("os.execv('/bin/true', ['true'])", 0, "exec"),
}


@pytest.mark.hazard("sudden ends")
@pytest.mark.parametrize("how", ENDS)
def test_the_program_ends_by_itself(trace, any_python, library, how):
    """The witness's account of the last moment is the profile's."""
    statement, status, end = ENDS[how]
    ledger, script = trace.work / "ledger", trace.work / "program.py"
    script.write_text(PROGRAM)
    program = trace.start(any_python, script, library, ledger, "single", statement,
                          env={"MEMTRACE_RING": "64KiB"}, stderr=subprocess.DEVNULL)
    assert program.wait(SECONDS) == status
    profile = trace.wait_for_profile()
    process, = read_ledger(ledger).values()
    assert not process.leaving and not process.coming
    assert check(profile, process) > 100
    assert profile.report()["process"]["end"] == end
    assert list(trace.out.iterdir()) == [profile.path]


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


def output_of(terminal):
    """All of it; the kernel says "error" where nobody can write any more."""
    output = b""
    while True:
        try:
            output += os.read(terminal, 4096)
        except OSError:
            return output.decode()


@pytest.mark.hazard("a collector that stands still")
@pytest.mark.parametrize("quiet", ["0", "1"])
def test_a_terminal_is_told_once(trace, any_python, tmp_path, quiet):
    """That tracing ended with its collector: when the program ends, not in the middle of its output."""
    script = tmp_path / "goes_on.py"
    script.write_text(GOES_ON)
    try:
        terminal, other_end = os.openpty()
    except OSError as error:
        pytest.skip(f"no terminal can be made: mount /dev/pts ({error.strerror})")
    program = trace.start(any_python, script, env={"MEMTRACE_RING": "256KiB", "MEMTRACE_QUIET": quiet},
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=other_end, text=True)
    os.close(other_end)
    assert program.stdout.readline() == "ready\n"
    os.killpg(wait_for(lambda: group_of_collector(trace.out), what="collector"), signal.SIGKILL)
    program.communicate("150000\n", timeout=60)
    said = output_of(terminal)
    os.close(terminal)
    assert said.count("\n") == said.count("tracing ended early") == (0 if quiet == "1" else 1)


def test_what_was_left_for_a_child_is_cleared_away(trace, any_python):
    """By a recovery of its parent, which has its profile. Without a collector it stays, and that is no error."""
    run = trace(any_python, "-c", "pass")
    left = pathlib.Path(f"{run.path}.fork.3.journal.1")
    left.touch()
    for collector, stays in (("/no/such/collector", True), (None, False)):
        done = subprocess.run([COMMAND, "recover", run.path], env=clean_environment(MEMTRACE_COLLECTOR=collector),
                              capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert left.exists() == stays


SLOW_TO_GO = """\
import ctypes, mmap, time
kept = [bytes(467) for _ in range(1000)]  # fill
area = mmap.mmap(-1, 768 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
area.madvise(15)  # no huge pages: each of the small ones is given back by itself
for at in range(0, len(area), mmap.PAGESIZE):
    area[at] = 1
print("ready", flush=True)
time.sleep(600)
"""


@pytest.mark.hazard("sudden ends")
def test_one_that_is_being_killed_does_not_run(trace, any_python, tmp_path):
    """The kernel takes its time to give back a large memory: who asks meanwhile waits, and isn't told that the
    program runs."""
    script = tmp_path / "slow_to_go.py"
    script.write_text(SLOW_TO_GO)
    program = trace.start(any_python, script, stdout=subprocess.PIPE, text=True)
    assert program.stdout.readline() == "ready\n"
    collectors = group_of_collector(trace.out)
    os.killpg(collectors, signal.SIGKILL)
    program.send_signal(signal.SIGKILL)
    while pathlib.Path(f"/proc/{program.pid}/cmdline").read_bytes():
        pass
    done = subprocess.run([COMMAND, "recover", *trace.out.glob("*.memtrace")], capture_output=True, text=True)
    program.communicate()
    assert (done.returncode, done.stderr) == (0, "")
    profile, = map(Profile, find_profiles(trace.out))
    profile.check(killed=True)
    assert 1000 <= profile.line(script, line_of(script, "# fill"))["count"] <= 1004

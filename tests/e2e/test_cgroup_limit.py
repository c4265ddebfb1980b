"""How long a program has till it meets its cgroup's limit, and that it meets it then."""

import signal
import subprocess

import pytest
from cgroups import group_limited_to, inside
from conftest import line_of

MIB = 1 << 20
LIMIT = 160 * MIB
BLOCKS, BYTES, ROUNDS = 8, 65536, 24
PROGRAM = """\
import ctypes, sys
rounds, memory = int(sys.argv[1]), sys.argv[2]
mark = ctypes.CDLL(None).memtrace_mark
tell, kept = open("said", "wb", 0), []
for i in range(rounds):
    kept.append([b"." * %d for _ in range(%d)])  # leaks
    mark(b"iteration")
    tell.seek(0)
    tell.write(b"%%010d" %% (i + 1))
print(open(memory).read())
""" % (BYTES, BLOCKS)


@pytest.fixture
def group():
    with group_limited_to(LIMIT) as made:
        yield made


def run(trace, group, python, rounds):
    script = trace.work / "program.py"
    script.write_text(PROGRAM)
    usage = group.path / ("memory.usage_in_bytes" if group.version == 1 else "memory.current")
    program = trace.start(*inside(group, python, script, rounds, usage), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    said = program.communicate(timeout=300)[0]
    return program.returncode, said, trace.wait_for_profile(), script


def test_it_is_met_when_the_report_says(trace, any_python, group):
    status, said, profile, script = run(trace, group, any_python, ROUNDS)
    assert status == 0
    report = profile.report()
    [entry] = [row for row in report["growth"]
               if (row["file"], row["line"]) == (str(script), line_of(script, "# leaks"))]
    limit = report["limit"]
    assert entry["trend"] == "leaks" and report["verdict"]["kind"] == "leak"
    assert (limit["kind"], limit["bytes"]) == ("cgroup", LIMIT)
    # The group's files, ring and journal among them, are in its usage and may be left at once.
    assert LIMIT - int(said) - 8 * MIB <= limit["left_bytes"] <= LIMIT - entry["size_bytes"]
    round_bytes = BLOCKS * (BYTES + 33)
    assert limit["restart_marks"] == pytest.approx(limit["left_bytes"] / round_bytes, rel=0.1)

    for path in trace.out.iterdir():
        path.unlink()
    status, _, _, _ = run(trace, group, any_python, 100_000)
    assert status == -signal.SIGKILL and group.kills() > 0
    met = int((trace.work / "said").read_text())
    # What it writes to its files the kernel takes back only in part and late.
    assert ROUNDS + limit["restart_marks"] * 0.8 <= met <= ROUNDS + limit["restart_marks"] * 1.2

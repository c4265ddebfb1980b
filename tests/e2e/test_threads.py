"""Blocks that threads make, move and free for each other leave nothing behind but what is live."""

import subprocess

import pytest
from conftest import PROGRAMS, line_of


@pytest.fixture(scope="module")
def hands(tmp_path_factory):
    library = tmp_path_factory.mktemp("hands") / "hands.so"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-pthread", "-o", library, PROGRAMS / "hands.c"],
                   check=True)
    return library


PROGRAM = """\
import ctypes, os, sys, threading
hands = ctypes.CDLL(sys.argv[1])
hands.churn.restype = hands.churn_here.restype = ctypes.c_long
def here(rounds):
    made.append(hands.churn_here(rounds))  # here
made = []
made.append(hands.churn(4, 200_000))
threads = [threading.Thread(target=here, args=(100_000,)) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sum(made))
sys.stdout.flush()
os._exit(0)
"""


def test_no_phantom_block(trace, python, tmp_path, hands):
    script = tmp_path / "hands.py"
    script.write_text(PROGRAM)
    run = trace(python, script, hands)
    made = int(run.stdout)
    assert made == 4 * 200_000 + 4 * 100_000
    chains = run.chains()
    entry = run.line(script, line_of(script, "# here"))
    # What Python itself keeps at that line: the list of results and its four integers.
    assert entry["count"] <= 8
    assert entry["total_count"] >= 400_000
    # The threads of C have no Python frames; nothing they made is left.
    threads = run.threads()
    main = min(slot for slot in threads.values() if slot is not None)
    left = [b for b in run.blocks().values() if threads[b["stack"]] not in (main, None)
            and not chains[b["stack"]] and b["bytes"] <= 2000]
    assert left == []
    assert run.run_record()["allocations"] >= made


def test_python_threads_free_for_each_other(trace, python, tmp_path):
    script = tmp_path / "handover.py"
    script.write_text(
        "import os, queue, threading\n"
        "FILL, kept, moved = b'.', [None] * 400, queue.Queue(100)\n"
        "def make(n):\n"
        "    for i in range(n):\n"
        "        moved.put(FILL * (100 + i % 1000))\n"
        "    moved.put(None)\n"
        "def take(first):\n"
        "    for i, block in enumerate(iter(moved.get, None)):\n"
        "        if i % 200 == 0:\n"
        "            kept[first + i // 200] = block\n"
        "makers = [threading.Thread(target=make, args=(5000,)) for _ in range(4)]\n"
        "takers = [threading.Thread(target=take, args=(100 * i,)) for i in range(4)]\n"
        "for t in makers + takers: t.start()\n"
        "for t in makers + takers: t.join()\n"
        "left = [b for b in kept if b is not None]\n"
        "import sys\n"
        "with open(sys.argv[1], 'w') as f: f.write(f'{len(left)} {sum(map(sys.getsizeof, left))}')\n"
        "os._exit(0)\n")
    run = trace(python, script, tmp_path / "left")
    count, size = map(int, (tmp_path / "left").read_text().split())
    chains, blocks = run.chains(), run.blocks().values()
    mine = [b for b in blocks if chains[b["stack"]] and chains[b["stack"]][0][::2] == (str(script), 5)
            and b["bytes"] > 132]
    assert (len(mine), sum(b["bytes"] for b in mine)) == (count, size)

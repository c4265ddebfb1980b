"""What a profile tells as live is as of `end`: the teardown that follows takes nothing away."""

import json

AT_END = 4
PROGRAM = """\
import atexit, json, sys
FILL, kept = b".", {}
class Node:
    def __init__(self, n):
        self.payload = FILL * n  # payload
for n in range(20000):
    kept[n] = Node(n % 1500)
gone = [FILL * 300 for _ in range(5000)]
def tell():
    gone.clear()
    print(json.dumps([(id(node.payload), sys.getsizeof(node.payload)) for node in kept.values()
                      if len(node.payload) > 1]))
atexit.register(tell)
"""


def live_by_domain(blocks):
    figures = {}
    for block in blocks:
        size, count = figures.get(block["domain"], (0, 0))
        figures[block["domain"]] = (size + block["bytes"], count + 1)
    return figures


def test_blocks_are_those_of_the_end(trace, python, tmp_path):
    script = tmp_path / "ends.py"
    script.write_text(PROGRAM)
    run = trace(python, script, compare=False)
    assert run.status == 0, run.stderr
    told, blocks, chains = json.loads(run.stdout), run.blocks(), run.chains()
    assert len(told) > 19900
    line = PROGRAM.splitlines().index("        self.payload = FILL * n  # payload") + 1
    for address, size in told:
        block = blocks[address]
        assert block["bytes"] == size
        assert chains[block["stack"]][0][::2] == (str(script), line)
    # What an exit handler gave back is none of it.
    assert sum(b["bytes"] == 333 for b in blocks.values()) < 50


def test_all_figures_of_the_end_agree(trace, python, tmp_path):
    script = tmp_path / "ends.py"
    script.write_text(PROGRAM)
    run = trace(python, script, compare=False)
    record, report = run.run_record(), run.report()
    assert record["flags"] & AT_END
    end = [mark for mark in run.section("MARK") if mark["base"] == "end"][-1]
    for figure in ("live_bytes", "live_blocks", "arena_bytes", "arena_count"):
        assert record[figure] == end[figure], figure
    sites = run.section("SITE")
    assert sum(site["live_bytes"] for site in sites) == record["live_bytes"]
    assert sum(site["live_blocks"] for site in sites) == record["live_blocks"]
    by_domain = live_by_domain(run.blocks().values())
    for i, domain in enumerate(("malloc", "mem", "object")):
        assert by_domain.get(domain, (0, 0)) == (record["domain_bytes"][i], record["domain_blocks"][i])
    assert len(run.blocks()) == record["block_count"]
    assert sum(arena["bytes"] for arena in run.section("ARNA")) == record["arena_bytes"]
    # By line, from the marks, and by block it is the same heap.
    assert sum(entry["size_bytes"] for entry in report["growth"]) == record["live_bytes"]
    # Counts go on: teardown has freed most of what is live here.
    left = sum(site["total_blocks"] - site["freed_blocks"] for site in sites)
    assert left == record["allocations"] - record["frees"] < record["live_blocks"] - 20000


def test_without_teardown_it_is_the_last_event(trace, any_python, tmp_path):
    script = tmp_path / "ends.py"
    script.write_text(PROGRAM + "tell()\nimport os\nsys.stdout.flush()\nos._exit(0)\n")
    run = trace(any_python, script, compare=False)
    record, blocks = run.run_record(), run.blocks()
    assert all(blocks[address]["bytes"] == size for address, size in json.loads(run.stdout))
    assert record["flags"] & AT_END
    assert record["live_blocks"] == record["allocations"] - record["frees"]

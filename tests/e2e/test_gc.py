"""What the cyclic collector frees is told from what the program frees."""

import json

from conftest import line_of

EVERY_INTERPRETER = True
PROGRAM = """\
import gc, json, os, sys
class Node:
    __slots__ = ("me",)
def cycles(count):
    for _ in range(count):
        node = Node()  # cycles
        node.me = node
def drops(count):
    for _ in range(count):
        node = Node()  # drops
        node.me = None
gc.collect()
gc.disable()
before = gc.get_stats()
cycles(20_000)
found = gc.collect()
gc.collect(0)
gc.collect(1)
gc.collect(1)
drops(5_000)
after = gc.get_stats()
with open(sys.argv[1], "w") as out:
    json.dump({"size": sys.getsizeof(Node()), "found": found,
               "all": [s["collections"] for s in after],
               "collected": [s["collected"] for s in after]}, out)
os._exit(0)
"""


def test_bytes_freed_by_a_collection(trace, python, tmp_path):
    script = tmp_path / "cycles.py"
    script.write_text(PROGRAM)
    run = trace(python, script, tmp_path / "facts.json")
    facts = json.loads((tmp_path / "facts.json").read_text())
    assert facts["found"] == 20_000
    cycles = run.line(script, line_of(script, "# cycles"))
    assert cycles["total_count"] == 20_000
    assert cycles["gc_freed_bytes"] == 20_000 * facts["size"]
    assert cycles["count"] == 0
    drops = run.line(script, line_of(script, "# drops"))
    assert drops["total_count"] == 5_000
    assert drops["gc_freed_bytes"] == 0


def test_collections_are_counted_like_the_interpreter_does(trace, python, tmp_path):
    script = tmp_path / "cycles.py"
    script.write_text(PROGRAM)
    run = trace(python, script, tmp_path / "facts.json")
    facts = json.loads((tmp_path / "facts.json").read_text())
    record = run.run_record()
    assert record["collections"] == facts["all"]
    assert record["collected"] == facts["collected"]

"""A document of many small values, written and read as JSON."""

import json

from workload import run

DOCUMENT = [{"id": i, "name": f"name {i}", "tags": ["a", "b", str(i)], "nested": {"x": i / 7, "y": None}}
            for i in range(200)]


def work(rounds):
    for _ in range(rounds):
        assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT


run(work, 2300)

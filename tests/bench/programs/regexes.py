"""Lines of a log, taken apart with regular expressions."""

import re

from workload import run

LINE = re.compile(r'(?P<host>\S+) - (?P<user>\w+) \[(?P<time>[^\]]+)\] "(?P<verb>\w+) (?P<path>\S+)" (\d+) (\d+)')
LINES = [f'10.0.0.{i} - user{i} [21/Nov/2026:10:{i % 60:02}] "GET /page/{i}?q={i * 7}" 200 {i * 13}'
         for i in range(200)]


def work(rounds):
    for _ in range(rounds):
        hits = [LINE.match(line).groupdict() for line in LINES]
        paths = [re.split(r"[/?=]", hit["path"]) for hit in hits]
        assert len(paths) == 200


run(work, 4500)

"""A web service with three troubles at once, and what each of them is. Load and server are one process.
`scripts/server-venv` prints the Python that has what it needs.

    memtrace run -- $(scripts/server-venv) samples/server/three_troubles.py [ROUNDS]
    memtrace report

In each of ROUNDS rounds (40 unless told otherwise) ten visitors come, and ten pictures are looked at that nobody
has seen before; a mark called "iteration" ends the round. The report finds

- a leak: each visit leaves 65,536 bytes at the line marked "leaks", ten blocks for each mark;
- a cache: the line marked "fills" keeps the 160 newest pictures of 16,384 bytes, from round 16 on no more;
- fragmentation: an import in round 3 makes 800,000 small tuples and keeps every 400th, 2,000 blocks at the line
  marked "pins", which hold the arenas that all of them needed, together with as many dead ones that the
  interpreter keeps for its next tuples.
"""

import functools
import sys

from beside import mark, serve
from client import get
from fastapi import FastAPI

app = FastAPI()
LETTER = b"h"
HISTORY, IMPORTED = [], []
IMPORT_ROUND, A_ROUND = 3, 10


@app.get("/visit/{visitor}")
async def visit(visitor: int):
    HISTORY.append(record(visitor))
    return {"visitor": visitor}


def record(visitor):
    return LETTER * 65_503  # leaks


@functools.lru_cache(maxsize=160)
def picture(number):
    return LETTER * 16_351  # fills


@app.get("/picture/{number}")
async def look(number: int):
    return {"bytes": len(picture(number))}


@app.get("/import")
async def load_rows():
    first, second, third = "a", "b", "c"
    rows = [None] * 800_000
    for index in range(len(rows)):
        rows[index] = (first, second, third)  # pins
    IMPORTED.extend(rows[::400])
    return {"rows": len(IMPORTED)}


def load(port, rounds):
    for turn in range(rounds):
        for number in range(turn * A_ROUND, (turn + 1) * A_ROUND):
            get(port, f"/visit/{number}")
            get(port, f"/picture/{number}")
        if turn == IMPORT_ROUND:
            get(port, "/import")
        mark(b"iteration")


def main(rounds):
    serve(app, lambda port: load(port, rounds))
    print(f"expected: {len(HISTORY)} leaked, {picture.cache_info().currsize} cached, {len(IMPORTED)} pinning blocks")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)

"""The leaking service under uvicorn, with its load in the same process. `scripts/server-venv` prints
the Python that has what it needs.

    memtrace run -- $(scripts/server-venv) samples/server/under_uvicorn.py [VISITS]
    memtrace report
    memtrace report --from warm

VISITS visits (2,000 unless told otherwise) are made, then the server ends by itself. The line marked
"leaks" of service.py is on top of the report, with exactly VISITS blocks of 65,536 bytes. The mark "warm"
stands after the first tenth: since then it has grown by nine tenths of that, and next to nothing else
has grown.
"""

import sys

from beside import mark, serve
from client import visit_all
from service import HISTORY, app


def main(visits):
    def load(port):
        visit_all(port, visits // 10)
        mark(b"warm")
        visit_all(port, visits - visits // 10)

    serve(app, load)
    print(f"expected: {len(HISTORY)} blocks, {sum(map(sys.getsizeof, HISTORY))} bytes")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)

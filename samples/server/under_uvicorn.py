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

import ctypes
import socket
import sys
import threading

import uvicorn
from client import visit_all
from service import HISTORY, app


def mark(name):
    library = ctypes.CDLL(None)
    if hasattr(library, "memtrace_mark"):
        library.memtrace_mark(name)


def load(server, port, visits):
    try:
        visit_all(port, visits // 10)
        mark(b"warm")
        visit_all(port, visits - visits // 10)
    finally:
        server.should_exit = True


def main(visits):
    # It listens before the server is up: the first requests wait for it.
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    client = threading.Thread(target=load, args=(server, listening.getsockname()[1], visits))
    client.start()
    server.run(sockets=[listening])
    client.join()
    print(f"expected: {len(HISTORY)} blocks, {sum(map(sys.getsizeof, HISTORY))} bytes")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)

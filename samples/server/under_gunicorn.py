"""The leaking service under gunicorn with two workers. `scripts/server-venv` prints the Python that has
what it needs.

    memtrace run -o 'server.%p.memtrace' -- $(scripts/server-venv) samples/server/under_gunicorn.py [VISITS]
    memtrace report --merge server.*.memtrace

This script starts the server, makes VISITS visits (2,000 unless told otherwise), ends the server and
prints which worker got how many. Four processes are traced: the script, gunicorn's master and its
workers, which are forks of it. Merged, the line marked "leaks" of service.py is on top with exactly VISITS
blocks of 65,536 bytes; each worker's own profile has there as many as it got. What the service's modules
take was allocated once, by the master, as --preload has them imported before the fork; the workers, too,
hold it, and none of it is their growth. A worker ends by SIGTERM, as uvicorn passes on the signal that it
was told to end with, so the report calls it killed.
"""

import os
import signal
import socket
import subprocess
import sys

from client import visit_all

HERE = os.path.dirname(os.path.abspath(__file__))
WORKERS = 2
PATIENCE_SECONDS = 60


def start_server(listening):
    command = [sys.executable, "-m", "gunicorn", "--bind", f"fd://{listening.fileno()}",
               "--workers", str(WORKERS), "--worker-class", "uvicorn.workers.UvicornWorker",
               "--log-level", "warning", "--preload", "--chdir", HERE, "service:app"]
    return subprocess.Popen(command, pass_fds=[listening.fileno()])


def main(visits):
    # It listens before the server is up: the first requests wait for it.
    listening = socket.create_server(("127.0.0.1", 0))
    server = start_server(listening)
    try:
        by_process = visit_all(listening.getsockname()[1], visits)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(PATIENCE_SECONDS)
    for process, count in sorted(by_process.items()):
        print(f"worker {process}: {count} visits")
    print(f"expected: {visits} blocks, {visits * 65_536} bytes")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)

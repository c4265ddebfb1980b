"""A server and its load in one process: both samples under uvicorn are that."""

import ctypes
import socket
import threading

import uvicorn


def mark(name):
    library = ctypes.CDLL(None)
    if hasattr(library, "memtrace_mark"):
        library.memtrace_mark(name)


def serve(app, load):
    """Runs the service until load(port), in a thread of its own, is through."""
    # It listens before the server is up: the first requests wait for it.
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))

    def load_and_end():
        try:
            load(listening.getsockname()[1])
        finally:
            server.should_exit = True

    client = threading.Thread(target=load_and_end)
    client.start()
    server.run(sockets=[listening])
    client.join()

"""The load of the server samples: so many requests to a service on this machine, from a few threads."""

import collections
import http.client
import json
import threading

THREADS = 4
PATIENCE_SECONDS = 60


def get(port, path):
    """The answer's JSON. A connection of its own, so that prefork workers share the requests."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {answer.reason}")
        return json.loads(text)
    finally:
        connection.close()


def visit_all(port, visits):
    """Visits as often in all, and asks for the other page between. Returns visits by process id."""
    by_process = collections.Counter()
    lock = threading.Lock()
    failures = []

    def work(first):
        try:
            for visitor in range(first, visits, THREADS):
                process = get(port, f"/visit/{visitor}")["process"]
                get(port, "/about")
                with lock:
                    by_process[process] += 1
        except Exception as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(first,)) for first in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return by_process

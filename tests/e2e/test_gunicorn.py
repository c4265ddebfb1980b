"""gunicorn under load: workers end after so many requests, are killed and replaced, and each has its profile."""

import collections
import json
import os
import signal
import socket
import subprocess
import sys

import pytest
from conftest import COMMAND, PROGRAMS, ROOT, find_profiles, line_of, wait_for
from environments import venv_python
from resident import check_identity

sys.path.insert(0, str(ROOT / "samples/server"))
from client import visit_all  # noqa: E402

SERVICE = PROGRAMS / "wsgi_service.py"
LEAK = str(SERVICE), line_of(SERVICE, "# leaks")
# A visit is two requests: each worker has some, and one at least is replaced.
VISITS, MOST_REQUESTS, WORKERS = 300, 120, 2
VISIT_BYTES = 65_536


def report(*arguments):
    done = subprocess.run([COMMAND, "report", "--json", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def leak_in(one):
    rows = [row for row in one["growth"] if (row["file"], row["line"]) == LEAK]
    return (rows[0]["count"], rows[0]["size_bytes"], rows[0]["count_diff"]) if rows else (0, 0, 0)


def serve(trace, kind):
    """Visits by worker, and who was killed."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = trace.start(venv_python("server"), "-m", "gunicorn", "--bind", f"fd://{listening.fileno()}",
                         "--workers", WORKERS, "--worker-class", kind, "--threads", 1 if kind == "sync" else 4,
                         "--max-requests", MOST_REQUESTS, "--log-level", "warning", "--timeout", 120,
                         "--graceful-timeout", 60, "--chdir", PROGRAMS, "wsgi_service:app",
                         pass_fds=[listening.fileno()], stderr=subprocess.PIPE, text=True)
    try:
        port = listening.getsockname()[1]
        visits = visit_all(port, VISITS)
        # The kernel, short of memory, say. Nobody asks for anything in this moment.
        killed = next(iter(visit_all(port, 1)))
        visits[killed] += 1
        os.kill(killed, signal.SIGKILL)
        visits += visit_all(port, 20)
    finally:
        server.send_signal(signal.SIGTERM)
        _, said = server.communicate(timeout=120)
    assert server.returncode == 0, said
    wait_for(lambda: not list(trace.out.glob("*.ring")), seconds=60, what="end of all collectors")
    return server.pid, visits, killed


@pytest.mark.parametrize("kind", ["sync", "gthread"])
def test_workers_come_and_go(trace, kind):
    master, visits, killed = serve(trace, kind)
    count = sum(visits.values())
    assert count == VISITS + 21 and len(visits) > WORKERS
    whole = report("-n", "0", "--focus", r"wsgi_service\.py", trace.out)
    processes = {process["pid"]: process for process in whole["processes"]}
    reports = {one["process"]["pid"]: one for one in whole["reports"]}
    assert len(processes) == len(find_profiles(trace.out)) and not any(r["doubts"] for r in reports.values())
    for pid, process in processes.items():
        assert (process["depth"], process["how"]) == ((0, None) if pid == master else (1, "forked"))
        assert pid == master or process["parent_pid"] == master
    # Some may have had their SIGTERM before they could take it, or after Python had let go of it.
    ends = {pid: processes[pid]["end"] for pid in visits}
    assert ends[killed] == "died" and "exit" in ends.values() and set(ends.values()) <= {"exit", "died"}
    for one in reports.values():
        # Who was killed at once was never looked at.
        if one["resident"]:
            check_identity(one)
    for pid, own in visits.items():
        assert leak_in(reports[pid]) == (own, own * VISIT_BYTES, own)
    merged = report("--merge", "-n", "1", trace.out)
    top = merged["growth"][0]
    assert (top["file"], top["line"]) == LEAK
    assert leak_in(merged) == (count, count * VISIT_BYTES, count)
    check_sum(merged, report("-n", "1", trace.out)["reports"])


def check_sum(merged, reports):
    """Every total is that of the single reports, added up."""
    sums = collections.Counter()
    for one in reports:
        sums.update({figure: value for figure, value in one["total"].items() if figure != "rows"})
    assert {figure: merged["total"][figure] for figure in sums} == dict(sums)

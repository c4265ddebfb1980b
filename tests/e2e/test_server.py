"""A FastAPI service under load: the endpoint's leaking line is on top of the report, exactly."""

import json
import re
import subprocess

import pytest
from conftest import COMMAND, ROOT, line_of
from environments import venv_python
from resident import check_identity

SERVER = ROOT / "samples/server"
SERVICE = SERVER / "service.py"
VISITS = 400
VISIT_BYTES = 65_536
PICTURE_BYTES = 16_384


def leaks():
    return str(SERVICE), line_of(SERVICE, "# leaks")


def place(entry):
    return entry["file"], entry["line"]


def merged(profiles, *args):
    command = [COMMAND, "report", "--merge", *args, *(profile.path for profile in profiles)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if "--json" in args else done.stdout


def test_under_uvicorn(trace):
    run = trace(venv_python("server"), SERVER / "under_uvicorn.py", VISITS, check=False)
    assert run.stdout == f"expected: {VISITS} blocks, {VISITS * VISIT_BYTES} bytes\n"
    check_identity(run.report("-n", "1"))
    for by in ("line", "own"):
        top = run.report("-n", "1", "--by", by)["growth"][0]
        assert place(top) == leaks()
        assert (top["count"], top["size_bytes"]) == (VISITS, VISITS * VISIT_BYTES)
    later = run.report("-n", "2", "--from", "warm")["growth"]
    assert place(later[0]) == leaks()
    assert later[0]["count_diff"] == VISITS - VISITS // 10
    # A second suspect would be a leak of the server's or of ours.
    assert later[1]["size_diff_bytes"] < later[0]["size_diff_bytes"] // 50


@pytest.fixture
def prefork(trace):
    """Profiles by process id of a run under gunicorn, and visits by worker as the client counted them."""
    run = trace(venv_python("server"), SERVER / "under_gunicorn.py", VISITS, compare=False, check=False)
    assert run.status == 0, run.stderr
    assert f"expected: {VISITS} blocks, {VISITS * VISIT_BYTES} bytes\n" in run.stdout
    counts = re.findall(r"^worker (\d+): (\d+) visits$", run.stdout, re.MULTILINE)
    reports = [(profile.report("-n", "1"), profile) for profile in run.profiles()]
    # Instead of a dump of every block: these are large profiles.
    assert not any(report["doubts"] for report, _ in reports)
    for report, _ in reports:
        check_identity(report)
    return ({report["process"]["pid"]: profile for report, profile in reports},
            {int(pid): int(count) for pid, count in counts})


def test_under_gunicorn(prefork):
    profiles, visits = prefork
    assert len(profiles) == 4 and sum(visits.values()) == VISITS
    for pid, count in visits.items():
        leak = profiles[pid].line(*leaks(), "--focus", r"service\.py")
        assert (leak["count_diff"], leak["size_diff_bytes"]) == (count, count * VISIT_BYTES)
    for by in ("line", "own"):
        top = merged(profiles.values(), "--json", "-n", "1", "--by", by)["growth"][0]
        assert place(top) == leaks()
        assert (top["count"], top["count_diff"]) == (VISITS, VISITS)
        assert (top["size_bytes"], top["size_diff_bytes"]) == (VISITS * VISIT_BYTES,) * 2
    check_tree(profiles, visits)
    check_sums(profiles)


def check_tree(profiles, visits):
    """The script started gunicorn's master, and that forked the workers."""
    processes = merged(profiles.values(), "--json", "-n", "1")["processes"]
    depths = {process["pid"]: process["depth"] for process in processes}
    parents = {process["pid"]: process["parent_pid"] for process in processes}
    script, master = processes[0]["pid"], processes[1]["pid"]
    workers = {process["pid"] for process in processes[2:]}
    assert set(visits) <= workers and len(workers) == 2
    assert depths == {script: 0, master: 1, **dict.fromkeys(workers, 2)}
    assert parents[master] == script and {parents[worker] for worker in workers} == {master}
    assert {p["from"]["name"] for p in processes[2:]} == {"fork"}
    text = merged(profiles.values(), "-n", "1")
    assert text.startswith("4 processes, children below their parents:\n" f"pid {script} under_gunicorn, ")
    assert re.search(rf"\n    pid {max(workers)} gunicorn, forked, .*, live at end \d+", text)


def check_sums(profiles):
    """File by file the sum is what adding up the single reports gives."""
    figures = ("size_bytes", "size_diff_bytes", "count", "count_diff", "total_bytes", "peak_bytes")
    sums = {}
    for profile in profiles.values():
        for entry in profile.report("--by", "file")["growth"]:
            row = sums.setdefault((entry["file"], entry["name"]), dict.fromkeys(figures, 0))
            for figure in figures:
                row[figure] += entry[figure]
    whole = merged(profiles.values(), "--json", "-n", "0", "--by", "file")
    found = {(e["file"], e["name"]): {f: e[f] for f in figures} for e in whole["growth"]}
    assert found == sums
    for figure in figures:
        assert whole["total"][figure] == sum(row[figure] for row in sums.values())


def test_three_troubles_at_once(trace):
    """A leak, a cache and fragmentation in one service: three findings, each with its line."""
    service = SERVER / "three_troubles.py"
    run = trace(venv_python("server"), service, check=False)
    assert run.stdout == "expected: 400 leaked, 160 cached, 2000 pinning blocks\n"
    report = run.report()
    check_identity(report)
    leaks, fills, pins = (line_of(service, "  # " + comment) for comment in ("leaks", "fills", "pins"))

    rows = {row["line"]: row for row in report["growth"] if row["file"] == str(service)}
    assert [place(row) for row in report["growth"] if row["trend"] == "leaks"] == [(str(service), leaks)]
    assert (rows[leaks]["count"], rows[leaks]["size_bytes"]) == (400, 400 * VISIT_BYTES)
    assert rows[leaks]["blocks_per_mark"] == pytest.approx(10, rel=0.01)
    assert rows[fills]["trend"] == "fills"
    assert (rows[fills]["count"], rows[fills]["size_bytes"]) == (160, 160 * PICTURE_BYTES)
    assert place(report["pins"][0]) == (str(service), pins)
    assert 2000 <= report["pins"][0]["blocks"] <= 4000

    verdict = report["verdict"]
    found = "\n".join(verdict["reasons"])
    assert verdict["kind"] == "leak"
    assert set(re.findall(r"(\S+\.py):(\d+)", found)) == {(str(service), str(line)) for line in (leaks, fills, pins)}
    assert verdict["reasons"][0].startswith(f"{service}:{leaks} grows by ")
    assert re.search(rf"{service}:{fills} filled up: ", found)
    assert re.search(rf"{service}:{pins}: [\d,]+ blocks of .* hold \d+ arenas", found)
    assert any(f"freeing the blocks of {service}:{pins} gives back" in advice for advice in verdict["advice"])
    # 800,000 tuples of 64 bytes need 48 arenas; the first and the last may be shared.
    assert report["pins"][0]["exclusive_bytes"] >= 40 << 20


def test_merge_of_a_missing_file_is_no_sum(tmp_path):
    done = subprocess.run([COMMAND, "report", "--merge", tmp_path / "none.memtrace"], capture_output=True,
                          text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert "none.memtrace" in done.stderr

"""The gate fails on what is worse, names the line, and never passes by accident."""

import json
import os
import shutil
import signal
import subprocess

import pytest
from conftest import COMMAND, LIBRARY, clean_environment, line_of

APP = """\
import sys

class Store:
    def __init__(self):
        self.kept = []

    def put(self, size):
        self.kept.append(FILL * size)

FILL = b"."

def main(rounds):
    store = Store()
    for _ in range(rounds):
        store.put(9967)
    return store

store = main(200)
"""
LEAKING = APP.replace("        store.put(9967)\n", "        store.put(9967)\n        remember(2967)\n").replace(
    "def main", "seen = []\n\ndef remember(size):\n    seen.append(FILL * size)  # leaks\n\ndef main")


class Project:
    """A folder with a program and its baseline."""

    def __init__(self, folder, python):
        self.folder, self.python = folder, python
        self.write(APP)

    def write(self, text, name="app.py"):
        (self.folder / name).write_text(text)

    def gate(self, *options, name="app.py", command=None, **variables):
        command = command or [self.python, name]
        return subprocess.run([COMMAND, "gate", "--baseline", "memory.json", *options, "--", *command],
                              cwd=self.folder, env=clean_environment(TMPDIR=self.folder / "tmp", **variables),
                              capture_output=True, text=True, timeout=120)

    def left(self):
        return list((self.folder / "tmp").iterdir())


@pytest.fixture
def project(tmp_path, python):
    (tmp_path / "tmp").mkdir()
    project = Project(tmp_path, python)
    done = project.gate("--update-baseline")
    assert (done.returncode, done.stderr) == (0, "memtrace: memory.json was written\n")
    assert not project.left()
    return project


@pytest.fixture
def any_project(tmp_path, any_python):
    (tmp_path / "tmp").mkdir()
    project = Project(tmp_path, any_python)
    assert project.gate("--update-baseline").returncode == 0
    return project


def checks(project, *options, **more):
    done = project.gate("--json", "gate.json", *options, **more)
    result = json.loads((project.folder / "gate.json").read_text())
    assert result["exit_code"] == done.returncode
    return done, result


def test_a_leak_fails_and_is_named(project):
    project.write(LEAKING)
    done, result = checks(project)
    assert done.returncode == 1
    line = line_of(project.folder / "app.py", "# leaks")
    failed = {check["title"]: check for check in result["checks"] if check["outcome"] == "failed"}
    assert {check["metric"] for check in failed.values()} == {"live_end", "peak_live", None}
    # 200 blocks of 3,000 bytes and the list that they are in.
    empty = 33
    for check in failed.values():
        site = check["site"]
        assert (site["file"], site["line"], site["function"][-8:]) == ("app.py", line, "remember")
        assert site["source"] == "seen.append(FILL * size)  # leaks"
        assert 200 * (2967 + empty) <= site["live_bytes"] <= 200 * (2967 + empty + 16) + 4096
        assert site["key"] == "<module> > main > remember"
    assert done.stdout.startswith("gate: FAILED: 3 of 3 checks failed\n")
    assert f"app.py:{line} in remember\n" in done.stdout and "seen.append(FILL * size)  # leaks\n" in done.stdout
    assert f"again: memtrace gate --baseline memory.json --json gate.json -- {project.python} app.py\n" in done.stdout
    # Its profile is there to look at.
    [kept] = project.left()
    profile = done.stderr.split("memtrace report ")[1].strip()
    assert os.path.dirname(profile) == str(kept) and os.path.getsize(profile)


def test_the_same_and_edits_around_it_pass(project):
    assert project.gate().returncode == 0
    project.write("# A line.\n# Another.\n" + APP.replace("\ndef main", "\n\n\n# here\ndef main"))
    assert project.gate().returncode == 0
    project.write((project.folder / "app.py").read_text(), "server.py")
    done = project.gate(name="server.py")
    assert done.returncode == 0, done.stdout
    project.write(APP.replace("store = main(200)", "import time\ntime.sleep(0.5)\nstore = main(200)"))
    assert project.gate().returncode == 0
    assert not project.left()


def test_a_little_more_passes_and_a_little_more_than_that_fails(any_project):
    """256 KiB are more than 2 % of what it holds: 20 blocks of 10,000 bytes are less, 30 more."""
    any_project.write(APP.replace("main(200)", "main(220)"))
    assert any_project.gate().returncode == 0
    any_project.write(APP.replace("main(200)", "main(230)"))
    done, result = checks(any_project)
    assert done.returncode == 1
    assert {check["site"]["function"].split(".")[-1] for check in result["checks"]
            if check["outcome"] == "failed"} == {"put"}


def test_it_never_passes_by_accident(any_project, tmp_path):
    def verdict(*options, status, says, **more):
        done = any_project.gate(*options, **more)
        assert done.returncode == status, (done.stdout, done.stderr)
        assert says in (done.stdout.splitlines() or done.stderr.splitlines())[0]

    python = any_project.python
    verdict(status=4, says="ended with status 7", command=[python, "-c", "raise SystemExit(7)"])
    verdict(status=4, says="ended with status 127", command=["no-such-program"])
    verdict(status=3, says="left no profile", command=["/bin/true"])
    verdict(status=3, says="nowhere.json", command=[python, "app.py"], *("--baseline", "nowhere.json"))
    verdict("--sarif", "no/such/folder", status=3, says="can't write no/such/folder")
    killed = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    verdict(status=4, says=f"status {128 + signal.SIGKILL}", command=[python, "-c", killed])
    two = ["/bin/sh", "-c", f"{python} app.py; {python} app.py"]
    verdict(status=3, says="2 Python programs", command=two)
    verdict(status=3, says="allocator", PYTHONMALLOC="malloc")
    whole = (any_project.folder / "memory.json").read_text()
    for text in (whole[:len(whole) // 2], "", "[]", whole.replace("memtrace.baseline/1", "memtrace.baseline/9")):
        (any_project.folder / "memory.json").write_text(text)
        verdict(status=3, says="memory.json")


def trace(project, name):
    subprocess.run([project.python, "app.py"], cwd=project.folder, check=True, timeout=60,
                   env=clean_environment(LD_PRELOAD=LIBRARY, MEMTRACE_OUT=project.folder / name, PYTHONHASHSEED="0"))
    return project.folder / name


def gate_files(project, *files):
    return subprocess.run([COMMAND, "gate", "--baseline", "memory.json", *files], cwd=project.folder,
                          env=clean_environment(), capture_output=True, text=True, timeout=60)


def test_profiles_are_judged_too(any_project):
    good = trace(any_project, "good.memtrace")
    assert gate_files(any_project, good, good).returncode == 0
    any_project.write(LEAKING)
    bad = trace(any_project, "bad.memtrace")
    done = gate_files(any_project, bad)
    assert done.returncode == 1 and "remember" in done.stdout
    # The median of three runs is that of the two good ones.
    assert gate_files(any_project, good, bad, good).returncode == 0
    assert gate_files(any_project, bad, bad, good).returncode == 1
    cut = any_project.folder / "cut.memtrace"
    shutil.copy(good, cut)
    os.truncate(cut, os.path.getsize(cut) * 2 // 3)
    done = gate_files(any_project, cut)
    assert done.returncode == 3 and done.stdout.startswith(f"gate: no verdict: {cut}: ")
    assert gate_files(any_project, any_project.folder / "none.memtrace").returncode == 3


def test_a_ratchet_only_lowers(any_project):
    baseline = any_project.folder / "memory.json"
    before = baseline.read_bytes()
    any_project.write(LEAKING)
    assert any_project.gate("--update-baseline=ratchet").returncode == 1
    assert baseline.read_bytes() == before
    any_project.write(APP.replace("main(200)", "main(100)"))
    assert any_project.gate("--update-baseline=ratchet").returncode == 0
    lower = json.loads(baseline.read_text())["metrics"]["live_end"]["median"]
    assert lower < json.loads(before)["metrics"]["live_end"]["median"] - 900_000
    any_project.write(APP)
    assert any_project.gate().returncode == 1
    assert any_project.gate("--update-baseline").returncode == 0
    assert any_project.gate().returncode == 0


MARKS = """\
import ctypes
more, mark = [None] * 40, ctypes.CDLL(None).memtrace_mark
for i in range(%d):
    more[i] = FILL * 4967
    mark(b"iteration")
"""


def growth_of(project, marks):
    project.write(APP + MARKS % marks)
    _, result = checks(project)
    [growth] = [metric for metric in result["metrics"] if metric["key"] == "growth_per_iteration"]
    return growth["median"]


def test_growth_per_iteration_is_measured(any_project):
    """One block of 5,000 bytes at each mark. Two are for warming up, and fewer than six say nothing."""
    assert growth_of(any_project, 40) == pytest.approx(5000, rel=0.02)
    assert growth_of(any_project, 8) == pytest.approx(5000, rel=0.02)
    assert growth_of(any_project, 7) is None


NAMES = """\
import copy
FILL = b"."

def deep(depth):
    if depth:
        return deep(depth - 1)
    return [FILL * 9967 for _ in range(100)]

class Made:
    def __deepcopy__(self, memo):
        return FILL * 700_000

kept = deep(30), copy.deepcopy([Made()])
"""


def test_sites_are_chains_of_own_functions(project):
    """Neither how deep a function calls itself, nor comprehensions, nor what lies in between."""
    project.write(NAMES)
    _, result = checks(project)
    keys = {check["site"]["key"].replace("Made.", ""): check["site"] for check in result["checks"]
            if check["kind"] == "new-site"}
    # What it takes to import a module may be new, too.
    assert keys.keys() - {"<module>"} == {"<module> > deep", "<module> > __deepcopy__"}
    assert 100 * 10_000 <= keys["<module> > deep"]["live_bytes"] < 100 * 10_000 + 30_000


def test_medians_of_runs(any_project):
    files, lives = [], []
    for rounds in (215, 200, 205):
        any_project.write(APP.replace("main(200)", f"main({rounds})"))
        files.append(trace(any_project, f"{rounds}.memtrace"))
    for given in ([files[0]], [files[1]], [files[2]], files):
        assert gate_files(any_project, "--json", "gate.json", *given).returncode == 0
        metrics = json.loads((any_project.folder / "gate.json").read_text())["metrics"]
        [live] = [metric for metric in metrics if metric["key"] == "live_end"]
        lives.append(live)
    assert lives[1]["median"] < lives[2]["median"] < lives[0]["median"]
    assert lives[3]["median"] == lives[2]["median"] and lives[3]["runs"] == 3
    assert lives[3]["mad"] == lives[2]["median"] - lives[1]["median"]


def test_what_was_killed_is_no_measure(any_project):
    any_project.write(APP + "import os\nos.kill(os.getpid(), 9)\n")
    file = any_project.folder / "killed.memtrace"
    subprocess.run([any_project.python, "app.py"], cwd=any_project.folder, timeout=60,
                   env=clean_environment(LD_PRELOAD=LIBRARY, MEMTRACE_OUT=file))
    done = gate_files(any_project, file)
    assert done.returncode == 3 and "didn't come to its end" in done.stdout


def test_hashes_have_one_seed(any_project):
    tell = [any_project.python, "-c", "import os; open('seed', 'w').write(os.environ['PYTHONHASHSEED'])"]
    for given, used in (({"PYTHONHASHSEED": ""}, "0"), ({"PYTHONHASHSEED": "5"}, "5")):
        _, result = checks(any_project, command=tell, **given)
        assert (any_project.folder / "seed").read_text() == result["environment"]["hash_seed"] == used


@pytest.mark.parametrize("options", [["--repeat", "0", "--", "true"], ["--repeat", "2", "x.memtrace"], [],
                                     ["x.memtrace", "--", "true"], ["--annotations", "gitlab", "x.memtrace"]])
def test_usage(options):
    done = subprocess.run([COMMAND, "gate", "--baseline", "b.json", *options], capture_output=True, text=True,
                          env=clean_environment())
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("memtrace")


def test_a_baseline_is_json_that_merges_well(project):
    """As others read it: sorted keys, a site on a line of its own, nothing of lines or of when it was made."""
    text = (project.folder / "memory.json").read_text()
    baseline = json.loads(text)
    assert set(baseline) == {"environment", "left_out", "metrics", "schema", "sites"}
    assert {"abi", "allocator", "arch", "arena_bytes", "hash_seed", "libc", "mode", "python"} <= set(
        baseline["environment"])
    for part in (baseline, *(baseline[name] for name in ("environment", "metrics", "sites"))):
        assert list(part) == sorted(part)
    for key, site in baseline["sites"].items():
        [line] = [line for line in text.splitlines() if line.strip().startswith(json.dumps(key) + ":")]
        assert json.loads("{" + line.strip().rstrip(",").rstrip("}") + "}}}") == {key: site}
    [key] = [key for key in baseline["sites"] if key.endswith("put")]
    assert 200 * 10_000 <= baseline["sites"][key]["live_bytes"]["median"] < 200 * 10_000 + 8192
    for metric in baseline["metrics"].values():
        assert set(metric) == {"median", "mad", "n"} and metric["n"] == 1

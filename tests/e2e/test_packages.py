"""Well-known packages behave as they do without the library, and what they hold is found where it was made."""

import contextlib
import json
import os
import re
import subprocess
import tempfile

import pytest
from conftest import PROGRAMS, Profile, clean_environment, find_profiles, line_of, wait_for
from environments import venv_python
from resident import check_identity

PACKAGES = PROGRAMS / "packages"
DEBIAN = "/usr/bin/python3.11"
PATIENCE_SECONDS = 240
# The program of Debian's redis-tools: under the server's name it is the server.
REDIS = "/usr/bin/redis-check-rdb"


def witnessed(path):
    """address -> (size, chain or None) as the program told of its own blocks (witness.py)."""
    return {address: (size, chain and tuple(map(tuple, chain)))
            for address, size, chain in json.loads(path.read_text())}


def compare(run, seen, least):
    """Every block that the program told of is in the profile, with its size and all its frames."""
    blocks, chains = run.blocks(), run.chains()
    assert len(seen) >= least
    for address, (size, chain) in seen.items():
        assert address in blocks, (hex(address), size, chain)
        assert blocks[address]["bytes"] == size
        assert chain in (None, chains[blocks[address]["stack"]])


def line(run, script, comment, *args):
    """The report's entry of the line. Of that file alone: all lines of a large package are much JSON."""
    return run.line(script, line_of(script, f"# {comment}"), "--focus", re.escape(script.name), *args)


def of_line(run, script, comment, domain, least=0):
    """address -> record of the live blocks that the line itself, or what it calls, made in a domain."""
    place = str(script), line_of(script, f"# {comment}")
    chains = run.chains()
    ours = {stack for stack, chain in chains.items() if place in [frame[::2] for frame in chain]}
    return {address: block for address, block in run.blocks().items()
            if block["stack"] in ours and block["domain"] == domain and block["bytes"] >= least}


def test_numpy(trace, tmp_path):
    script = PACKAGES / "arrays.py"
    run = trace(venv_python("server"), script, tmp_path / "seen")
    check_identity(run.report("-n", "1"))
    seen = witnessed(tmp_path / "seen")
    compare(run, seen, least=200)
    # Nothing else of that size is there, and of the thousands of temporary arrays nothing at all.
    assert of_line(run, script, "kept", "malloc", 16_000).keys() == seen.keys()
    entry = line(run, script, "kept")
    assert sum(size for size, _ in seen.values()) < entry["size_bytes"]
    temporary = line(run, script, "temporary")
    assert temporary["total_count"] >= 2000 and temporary["size_bytes"] < 50_000


def test_pandas(trace, tmp_path):
    script = PACKAGES / "frames.py"
    run = trace(venv_python("server"), script, tmp_path / "seen")
    check_identity(run.report("-n", "1"))
    seen = witnessed(tmp_path / "seen")
    compare(run, seen, least=100)
    assert of_line(run, script, "kept", "malloc", 24_000).keys() == seen.keys()
    entry = line(run, script, "kept", "--by", "own")
    assert sum(size for size, _ in seen.values()) < entry["size_bytes"]


@pytest.mark.hazard("frames that are switched")
def test_greenlet(trace, tmp_path):
    script = PACKAGES / "greenlets.py"
    run = trace(venv_python("packages"), script, 200, tmp_path / "seen")
    check_identity(run.report("-n", "1"))
    seen = witnessed(tmp_path / "seen")
    compare(run, seen, least=3000)
    assert max(len(chain) for _, chain in seen.values()) >= 30
    assert of_line(run, script, "held", "object", 600).keys() == seen.keys()


@pytest.mark.hazard("frames that are switched")
def test_gevent(trace, tmp_path):
    script = PACKAGES / "gevents.py"
    run = trace(venv_python("packages"), script, 30, tmp_path / "seen")
    check_identity(run.report("-n", "1"))
    seen = witnessed(tmp_path / "seen")
    compare(run, seen, least=300)
    assert of_line(run, script, "remembered", "object", 700).keys() == seen.keys()


def test_torch(trace, tmp_path):
    """Of Debian, where it is there: the registry's wheels want a graphics card's libraries."""
    if subprocess.run([DEBIAN, "-c", "import torch"], capture_output=True).returncode:
        pytest.skip("no torch; python3-torch has it")
    script = PACKAGES / "tensors.py"
    run = trace(DEBIAN, script, tmp_path / "seen")
    check_identity(run.report("-n", "1"))
    seen = witnessed(tmp_path / "seen")
    assert len(seen) >= 100
    kept = of_line(run, script, "kept", "malloc", 4 * 10_000)
    assert sorted(size for size, _ in seen.values()) == sorted(block["bytes"] for block in kept.values())
    assert seen.keys() <= {address for block in kept for address in range(block, block + 128, 16)}


def test_django(trace):
    visits = 60
    script = PACKAGES / "django_site.py"
    run = trace(venv_python("packages"), script, visits)
    check_identity(run.report("-n", "1"))
    assert run.stdout.endswith(f"expected: {visits} blocks, {visits * 3000} bytes\n")
    entry = line(run, script, "leaks")
    assert (entry["count"], entry["size_bytes"]) == (visits, visits * 3000)


@pytest.fixture
def cython_module(tmp_path):
    """The folder with nodes.pyx, built."""
    python = venv_python("packages")
    code = "import sysconfig; print(sysconfig.get_path('include'), sysconfig.get_config_var('EXT_SUFFIX'))"
    include, suffix = subprocess.run([python, "-c", code], check=True, capture_output=True,
                                     text=True).stdout.split()
    if not os.path.exists(f"{include}/Python.h"):
        pytest.skip(f"no {include}/Python.h; libpython3-dev has it")
    folder = tmp_path / "built"
    folder.mkdir()
    subprocess.run([python, "-m", "cython", "-3", PACKAGES / "nodes.pyx", "-o", folder / "nodes.c"], check=True)
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", f"-I{include}", "-o", folder / f"nodes{suffix}",
                    folder / "nodes.c"], check=True)
    return folder


def test_cython(trace, tmp_path, cython_module):
    script = PACKAGES / "compiled.py"
    run = trace(venv_python("packages"), script, cython_module, tmp_path / "seen")
    check_identity(run.report("-n", "1"))
    seen = witnessed(tmp_path / "seen")
    compare(run, seen, least=500)
    assert of_line(run, script, "kept", "malloc", 1500).keys() == seen.keys()
    made = of_line(run, script, "made", "malloc", 4000)
    assert sorted(block["bytes"] for block in made.values()) == list(range(4000, 4300))
    # What was made without the GIL came and went.
    churned = line(run, script, "churns")
    assert churned["total_count"] >= 400_000 and churned["count"] < 100


@contextlib.contextmanager
def redis_server():
    """A broker on a socket of its own in a folder of its own: no port that another may have taken."""
    if not os.path.exists(REDIS):
        pytest.skip("no Redis; redis-tools has it")
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        socket = os.path.join(folder, "socket")
        command = ["redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no"]
        with subprocess.Popen(command, executable=REDIS, cwd=folder, stdout=subprocess.DEVNULL) as server:
            try:
                wait_for(lambda: os.path.exists(socket), 60, "socket of Redis")
                yield f"redis+socket://{socket}"
            finally:
                server.terminate()


def run_celery(environment, tasks, log):
    """What the worker's processes did: pid -> tasks."""
    command = [venv_python("packages"), PACKAGES / "work_queue.py", str(tasks), log]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    said = done.stderr + log.read_text()
    assert (done.returncode, done.stdout) == (0, f"expected: {tasks} blocks; 380; status 0\n"), said
    return {int(pid): int(count) for pid, count in re.findall(r"^worker (\d+): (\d+) tasks$", said, re.MULTILINE)}


def test_celery(trace, tmp_path):
    """A client, a worker and its two processes, whose profiles are too large to be read record by record."""
    tasks = 120
    with redis_server() as broker:
        run_celery(clean_environment(BROKER=broker), tasks, tmp_path / "bare")
        done = run_celery(trace.environment(BROKER=broker), tasks, tmp_path / "traced")
    assert sum(done.values()) == tasks and len(done) <= 2
    profiles = [Profile(path) for path in find_profiles(trace.out)]
    kept = {}
    for profile in profiles:
        entry = line(profile, PACKAGES / "tasks.py", "leaks")
        kept[profile.run_record()["pid"]] = entry["count"], entry["size_bytes"]
        report = profile.report("-n", "1")
        check_identity(report)
        assert not report["doubts"]
    assert {pid: figures for pid, figures in kept.items() if figures[0]} == {
        pid: (count, count * 3000) for pid, count in done.items()}
    # What has done no task keeps nothing.
    assert len(kept) == 4

"""Every command line that README.md and the man pages show is executed here, and does what it says.

A line of a literal display that begins like a command is one. What it names that isn't there (a process
number, a file, somebody's program) is replaced by something real of its kind. A command line that no rule
below knows fails the test, so that a page can't show what was never tried.
"""

import os
import pathlib
import re
import shlex
import shutil
import subprocess

import pytest
from conftest import BUILD, COMMAND, LIBRARY, ROOT, clean_environment, line_of, wait_for

PAGES = [ROOT / "README.md", *sorted((ROOT / "man").glob("*.[1-8]"))]
BEGINS = re.compile(r"(\$ |memtrace |build/memtrace |make\b|LD_PRELOAD=|python3 |pkg-config |ctypes\.)")
# Lines of a display that begin like a command and are a program's output.
OUTPUT = re.compile(r"memtrace: ")
PROGRAM = """\
import ctypes, sys
dot, kept = b".", []
for i in range(300):
    kept.append(dot * 5000)  # leaks
    if i == 100 and hasattr(ctypes.CDLL(None), "memtrace_mark"):
        for name in (b"before", b"warm", b"after", b"later"):
            ctypes.CDLL(None).memtrace_mark(name)
"""
# Works on until somebody tells it to end.
LIVING = "kept = []\nimport os, time\nwhile not os.path.exists('stop'):\n    kept.append(bytes(5000))\n    time.sleep(0.01)\n"


def displays(page):
    text = page.read_text()
    if page.suffix == ".md":
        return re.findall(r"^ {4}(.*)$", text, re.MULTILINE)
    lines = []
    for display in re.findall(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed$", text, re.MULTILINE | re.DOTALL):
        lines += display.replace("\\e", "\\").splitlines()
    # The one line of a synopsis that is a command as it is typed.
    lines += re.findall(r"^\.Ic (LD_PRELOAD\S* .*)$", text, re.MULTILINE)
    return lines


def inline_commands(page):
    """Commands quoted inside a sentence of the README, options and bare names apart."""
    if page.suffix != ".md":
        return []
    prose = re.sub(r"^ {4}.*$", "", page.read_text(), flags=re.MULTILINE)
    return [code for code in re.findall(r"`([^`\n]+)`", prose)
            if re.match(r"(memtrace|make) [a-z]", code)]


def command_lines():
    found = []
    for page in PAGES:
        for line in displays(page) + inline_commands(page):
            if BEGINS.match(line) and not OUTPUT.match(line):
                found.append((page.name, line.removeprefix("$ ")))
    return list(dict.fromkeys(found))


LINES = command_lines()


@pytest.fixture(scope="module")
def stage(tmp_path_factory, any_python):
    """A folder with all that the command lines speak of, and PATH to get at it."""
    folder = tmp_path_factory.mktemp("stage")
    for name in ("app.py", "your_program.py", "server.py"):
        (folder / name).write_text(PROGRAM)
    (folder / "living.py").write_text(LIVING)
    shutil.copytree(ROOT / "samples", folder / "samples")
    tools = folder / "tools"
    tools.mkdir()
    (tools / "python3").symlink_to(any_python)
    (tools / "memtrace").symlink_to(COMMAND)
    (tools / "flamegraph.pl").symlink_to(shutil.which("cat"))
    (folder / "build").mkdir()
    (folder / "build/memtrace").symlink_to(COMMAND)
    for part in ("libmemtrace.so", "memtrace-collector"):
        (folder / "build" / part).symlink_to(BUILD / part)
    variables = clean_environment(PATH=f"{tools}:{os.environ['PATH']}")
    for out in ("app.1234.memtrace", "server.1234.memtrace", "uvicorn.26642.memtrace", "frag.memtrace",
                "FILE", "OLD", "NEW", "old.memtrace", "new.memtrace"):
        done = subprocess.run([any_python, "app.py"], cwd=folder, capture_output=True, timeout=60,
                              env={**variables, "LD_PRELOAD": str(LIBRARY), "MEMTRACE_OUT": out})
        assert (done.returncode, done.stderr) == (0, b"")
    return folder, variables


@pytest.fixture(scope="module")
def living(stage):
    """A traced process that is there to be marked."""
    folder, variables = stage
    with subprocess.Popen(["python3", "living.py"], cwd=folder,
                          env={**variables, "LD_PRELOAD": str(LIBRARY), "MEMTRACE_OUT": "living"}) as program:
        wait_for((folder / "living.ring").exists, what="ring")
        yield str(program.pid)
        (folder / "stop").touch()


def server_python():
    """The Python with FastAPI, when scripts/server-venv was there before; it isn't made here."""
    cache = os.environ.get("MEMTRACE_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "memtrace")
    python = pathlib.Path(cache, "server-venv/bin/python")
    # Copied last: without it somebody is making it, or couldn't.
    made = pathlib.Path(cache, "server-venv/requirements.txt")
    return str(python) if python.exists() and made.exists() else None


def run_server(line, folder, variables):
    """A server, until it serves; the samples that bring their own visitors, with fewer of them."""
    python = server_python()
    if not python:
        pytest.skip("FastAPI is missing, the server wasn't started: scripts/server-venv gets it")
    line = line.replace("python3", shlex.quote(python))
    if "under_" in line:
        done = subprocess.run(["bash", "-c", line + " 40"], cwd=folder, env=variables, capture_output=True,
                              text=True, timeout=120)
        assert done.returncode == 0 and "expected: 40 blocks" in done.stdout, done.stderr
        return
    assert "service:app" in line
    with subprocess.Popen(["bash", "-c", "exec " + re.sub(r"--port \d+", "--port 0", line)], text=True,
                          cwd=folder / "samples/server", env=variables, stderr=subprocess.PIPE) as server:
        said = ""
        while "Uvicorn running" not in said:
            said = server.stderr.readline()
            assert said, "it ended before it served"
        server.terminate()
        rest = server.stderr.read()
        server.wait(60)
    assert "Finished server process" in rest and "memtrace report " in rest


def run_make(line, _folder, variables):
    """What it would do; what it does has its own tests."""
    done = subprocess.run([*shlex.split(line), "-n", f"O={os.path.relpath(BUILD, ROOT)}"], cwd=ROOT,
                          env={k: v for k, v in variables.items() if not k.startswith("MAKE")},
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def run_line(line, folder, variables):
    line = line.replace("/opt/memtrace/libmemtrace.so", str(LIBRARY))
    line = line.replace("/usr/lib/libmemtrace.so", str(LIBRARY))
    if "pkg-config" in line:
        if not shutil.which("pkg-config"):
            pytest.skip("pkg-config is missing: apt-get install pkg-config")
        (folder / "memtrace.pc").write_text(
            (ROOT / "memtrace.pc.in").read_text().replace("${libdir}/libmemtrace.so", str(LIBRARY)))
        variables = {**variables, "PKG_CONFIG_PATH": str(folder)}
    done = subprocess.run(["bash", "-c", line], cwd=folder, env=variables, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    # Traced programs say nothing; the command's own last line begins with its name.
    for said in done.stderr.splitlines():
        assert "live at end" in said or ("memtrace export" in line and "shrank" in said), said
    if line.startswith("LD_PRELOAD"):
        assert any(path.name.startswith("app.") for path in folder.glob("*.memtrace"))


def run_python(line, folder, variables):
    """An expression of Python, in a traced program."""
    done = subprocess.run(["python3", "-c", f"import ctypes\n{line}"], cwd=folder,
                          env={**variables, "LD_PRELOAD": str(LIBRARY)}, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def run_gate(line, folder, variables):
    """Each line alone, with the baseline that the ones before it make."""
    making = "memtrace gate --baseline memory.json --update-baseline -- python3 app.py"
    for command in dict.fromkeys((making, line)):
        done = subprocess.run(["bash", "-c", command], cwd=folder, env=variables, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr


READING = r"(build/)?memtrace (report|map|diff|dump|ls|doctor|recover)\b"
RULES = [
    (r"make( [a-zA-Z-]+)?( [A-Z]+=\S+)*$", run_make),
    (r"memtrace run .*(uvicorn|gunicorn)", run_server),
    (r"(build/)?memtrace run .*python3 (app|your_program|server|samples/(demo|fragmentation))\.py$", run_line),
    (r"(build/)?memtrace mark \d+ \w+$", run_line),
    (READING + r"( -- python3( app\.py)?)?([ \w./=*-]*)$", run_line),
    (r"memtrace export [ \w./-]*( \| flamegraph\.pl > \w+\.svg)?$", run_line),
    (r"memtrace gate --baseline memory\.json.* -- python3 app\.py$", run_gate),
    (r"LD_PRELOAD=\S+( --variable=preload memtrace\))? python3 app\.py$", run_line),
    (r"ctypes\.CDLL\(None\)\.memtrace_mark\(b\"\w+\"\)$", run_python),
]


def rule_of(line):
    for pattern, run in RULES:
        if re.match(pattern, line):
            return run
    return None


def without_comment(line):
    return re.sub(r"\s+# .*$", "", line)


@pytest.mark.parametrize("page, line", LINES, ids=[f"{page}: {line}" for page, line in LINES])
def test_command_line(stage, living, page, line):
    folder, variables = stage
    line = without_comment(line)
    run = rule_of(line)
    assert run, f"{page} shows a command line that no rule of this test knows: {line}"
    line = re.sub(r"(memtrace mark) \d+", rf"\1 {living}", line)
    run(line, folder, variables)


def test_lines_are_found():
    """The search itself: these were there when it was written."""
    lines = [line for _, line in LINES]
    for line in ("make demo", "build/memtrace report", "memtrace mark 1234 before", "make check",
                 "memtrace recover app.1234.memtrace", "memtrace dump FILE", "memtrace mark 26642 warm"):
        assert line in map(without_comment, lines), line
    assert len(lines) >= 30


@pytest.mark.parametrize("line", ["memtrace flatten FILE", "memtrace report; rm -rf FILE", "make | sh",
                                  "memtrace run -- node app.js", "python3 app.py"])
def test_unknown_lines_have_no_rule(line):
    assert rule_of(line) is None


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "man/memtrace-tutorial.7"], ids=lambda page: page.name)
def test_lines_of_samples_are_where_the_text_says(page):
    """A transcript names lines of samples: they are still those."""
    text = page.read_text()
    shown = re.findall(r"^ *(\S*(?:service|demo)\.py):(\d+): size=.*\n\s+(?!\S+ in )(\S.*)$", text, re.MULTILINE)
    assert shown
    for name, number, source in shown:
        path = ROOT / name if "/" in name else ROOT / "samples/server" / name
        assert line_of(path, source) == int(number)

"""Hosts that link libpython or load it late, as plug-ins of servers do, and start it more than once."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.request

import pytest
from conftest import PROGRAMS, Profile, clean_environment, find_profiles, python_version, wait_for

EVERY_INTERPRETER = True

BLOCK = 10_000
BYTES_OVERHEAD = 33  # sys.getsizeof(b"") with a GIL
KEEP = """\
kept = []
def work():
    for i in range({count}):
        block = bytes(10000)
        kept.append(block)
"""
LINE = 4


def libpython_of(python):
    """Its shared library and its home, or a skip."""
    code = ("import sys, sysconfig; v = sysconfig.get_config_var;"
            "print(v('LIBDIR')); print(v('MULTIARCH') or ''); print(v('INSTSONAME')); print(sys.base_prefix)")
    folder, multiarch, name, home = subprocess.run(
        [python, "-c", code], check=True, capture_output=True, text=True).stdout.splitlines()
    for path in (os.path.join(folder, name), os.path.join(folder, multiarch, name)):
        if ".so" in name and os.path.exists(path):
            return path, home
    pytest.skip(f"no shared libpython of {python}: an interpreter configured with --enable-shared has one, "
                "as has Debian's package libpython3.11")


def compile_program(folder, *sources_and_flags):
    out = folder / "program"
    subprocess.run(["cc", "-O1", "-D_GNU_SOURCE", "-pthread", "-o", out, *sources_and_flags], check=True)
    return out


@pytest.fixture(scope="session")
def embed(tmp_path_factory):
    return compile_program(tmp_path_factory.mktemp("embed"), PROGRAMS / "embed.c", "-ldl")


@pytest.fixture
def host(trace, python, embed):
    """host(how, script...): the embedder with this interpreter's library, under the tracer."""
    library, home = libpython_of(python)

    def run(how, *scripts, **more):
        return trace(embed, library, how, *scripts, env={"PYTHONHOME": home, **more})

    return run


def kept_blocks(profile):
    """The live blocks of the size that KEEP makes, by the line of their stack."""
    chains = profile.chains()
    lines = [chains[record["stack"]][0] for record in profile.blocks().values()
             if record["bytes"] == BLOCK + BYTES_OVERHEAD]
    return {line: lines.count(line) for line in set(lines)}


STARTED_THREE_TIMES = ["start", "main", "end", "restart", "main#2", "end#2", "restart#2", "main#3", "end#3"]


def marks(profile):
    return [mark["name"] for mark in profile.report()["marks"]]


@pytest.mark.hazard("hosts of an interpreter", "the loader's lock")
@pytest.mark.parametrize("how", ["local", "global", "worker", "silent"])
def test_a_library_loaded_late(host, how):
    run = host(how, KEEP.format(count=500) + "work()")
    assert kept_blocks(run) == {("<string>", "work", LINE): 500}
    assert marks(run) == ["start", "main", "end"]
    # From its first block on: the interpreter frees nothing that wasn't seen. What its host and
    # the loader got before is theirs.
    assert int(run.run_record()["unknown_frees"]) <= 20


@pytest.mark.hazard("thread-local storage")
def test_threads_that_were_there_before(host):
    """The thread state lies in dynamic TLS, whose first use in a thread takes memory."""
    run = host("pool", KEEP.format(count=100))
    assert kept_blocks(run) == {("<string>", "work", LINE): 800}


@pytest.mark.hazard("hosts of an interpreter")
def test_started_three_times(host):
    script = KEEP.format(count=500) + "work()"
    run = host("local", *[script] * 3)
    assert marks(run) == STARTED_THREE_TIMES
    # Each time, as much is live when it ends as when it ended first.
    for mark in ("end", "end#2", "end#3"):
        assert run.line("<string>", LINE, "--to", mark)["count"] >= 500, mark
        assert run.line("<string>", LINE, "--to", mark)["count"] <= 502, mark
    entry = run.line("<string>", LINE)
    assert entry["total_count"] >= 1500
    assert kept_blocks(run) == {("<string>", "work", LINE): 500}


@pytest.mark.parametrize("more", [
    {"PYTHONMALLOC": "debug"}, {"PYTHONMALLOC": "malloc"}, {"PYTHONTRACEMALLOC": "5"},
    {"PYTHONTRACEMALLOC": "5", "PYTHONMALLOC": "debug"},
], ids=lambda more: ",".join(more.values()))
@pytest.mark.hazard("allocator hooks that are replaced")
def test_started_three_times_with_other_allocators(host, python, more):
    """tracemalloc stands on top of our functions: they must not be put on top of it in turn."""
    if "PYTHONTRACEMALLOC" in more and python_version(python) < (3, 12):
        pytest.skip("tracemalloc starts once in a process before CPython 3.12: no such case there")
    run = host("local", *[KEEP.format(count=500) + "work()"] * 3, **more)
    assert marks(run) == STARTED_THREE_TIMES
    assert kept_blocks(run) == {("<string>", "work", LINE): 500}


@pytest.mark.hazard("the loader's lock")
def test_the_loader_still_sees_the_caller(trace, tmp_path):
    """dlopen takes the search path of the library that calls it, not of ours."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    (tmp_path / "inner.c").write_text("int inner(void) { return 7; }\n")
    (tmp_path / "outer.c").write_text("""
#include <dlfcn.h>
int outer(void)
{
	void *inner = dlopen("libinner.so", RTLD_NOW);
	return inner ? ((int (*)(void))dlsym(inner, "inner"))() : 1;
}
""")
    (tmp_path / "main.c").write_text("""
#include <dlfcn.h>
int main(int argc, char **argv)
{
	(void)argc;
	return ((int (*)(void))dlsym(dlopen(argv[1], RTLD_NOW), "outer"))();
}
""")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "libinner.so", tmp_path / "inner.c"], check=True)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "libouter.so", tmp_path / "outer.c",
                    "-Wl,-rpath,$ORIGIN", "-Wl,--enable-new-dtags"], check=True)
    program = compile_program(tmp_path, tmp_path / "main.c", "-ldl")
    for environment in clean_environment(), trace.environment():
        assert subprocess.run([program, folder / "libouter.so"], env=environment).returncode == 7
    assert list(trace.out.iterdir()) == [], "a host without Python left files"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


APPLICATION = """
def application(environ, start_response):
    work()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""


def ask(server, port):
    """What the server answers; None: it doesn't yet; True: it is gone."""
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10).read()
    except OSError:
        return True if server.poll() is not None else None


@pytest.mark.hazard("hosts of an interpreter")
def test_uwsgi(trace, tmp_path):
    if not shutil.which("uwsgi") or not os.path.exists("/usr/lib/uwsgi/plugins/python3_plugin.so"):
        pytest.skip("uwsgi is missing: apt-get install uwsgi-core uwsgi-plugin-python3")
    app = tmp_path / "app.py"
    app.write_text(KEEP.format(count=500) + APPLICATION)
    port = free_port()
    log = open(tmp_path / "log", "w")
    server = trace.start("/usr/bin/uwsgi", "--plugin", "python3", "--http-socket", f"127.0.0.1:{port}",
                         "--wsgi-file", app, "--die-on-term", stdout=log, stderr=log)
    try:
        assert wait_for(lambda: ask(server, port), what="answer of uwsgi") == b"hello"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)
    profile = trace.wait_for_profile()
    profile.check()
    assert kept_blocks(profile) == {(str(app), "work", LINE): 500}
    assert profile.report()["process"]["program"] == "uwsgi"


@pytest.mark.hazard("hosts of an interpreter")
def test_gdb(trace):
    """It links libpython, and is no Python for that."""
    gdb = shutil.which("gdb")
    if not gdb or "libpython" not in subprocess.run(["ldd", gdb], capture_output=True, text=True).stdout:
        pytest.skip("no gdb with Python: apt-get install gdb")
    code = f"kept = [bytes({BLOCK}) for _ in range(500)]"
    run = trace(gdb, "-nx", "--batch", "-ex", f"python {code}", "-ex", "python print(len(kept))")
    assert run.stdout == "500\n"
    assert sum(kept_blocks(run).values()) == 500
    assert run.report()["process"]["program"] == "gdb"


APACHE = """\
ServerRoot "{folder}"
ServerName localhost
KeepAlive Off
Listen 127.0.0.1:{port}
PidFile "{folder}/pid"
Mutex file:{folder}
ErrorLog "{folder}/log"
User www-data
Group www-data
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule wsgi_module {modules}/mod_wsgi.so
StartServers 1
ServerLimit 1
ThreadsPerChild 4
MaxRequestWorkers 4
MinSpareThreads 1
MaxSpareThreads 4
WSGIScriptAlias / "{folder}/app.wsgi"
<Directory "{folder}">
    Require all granted
</Directory>
"""


@pytest.fixture
def open_folder():
    """Where another user may read: pytest's folders are closed, and Apache's children aren't root."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        yield pathlib.Path(folder)


@pytest.mark.hazard("hosts of an interpreter")
def test_apache(trace, open_folder):
    """mod_wsgi: the parent loads and unloads it, and loads it again; its child runs the Python."""
    apache, modules = shutil.which("apache2", path="/usr/sbin"), "/usr/lib/apache2/modules"
    if not apache or not os.path.exists(f"{modules}/mod_wsgi.so"):
        pytest.skip("Apache's mod_wsgi is missing: apt-get install apache2-bin libapache2-mod-wsgi-py3")
    app, port = open_folder / "app.wsgi", free_port()
    app.write_text(KEEP.format(count=500) + APPLICATION)
    config = open_folder / "apache.conf"
    # As root it lets its children be somebody else; otherwise it takes no notice of the names.
    config.write_text(APACHE.format(folder=open_folder, port=port, modules=modules))
    server = trace.start(apache, "-f", config, "-DFOREGROUND")
    try:
        assert wait_for(lambda: ask(server, port), what="answer of Apache") == b"hello"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)
    trace.wait_for_profile()
    profiles = [Profile(path) for path in find_profiles(trace.out)]
    kept = [(kept_blocks(profile), profile) for profile in profiles]
    (blocks, child), = [(blocks, profile) for blocks, profile in kept if blocks]
    child.check()
    assert blocks == {(str(app), "work", LINE): 500}
    assert child.report()["process"]["program"] == "apache2"

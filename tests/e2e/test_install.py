"""An installed tree finds its own parts."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest
from conftest import COMMAND, ROOT, clean_environment, find_profiles

SCRIPT = ROOT / "samples/growing_list.py"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    run_make("install", folder, "PREFIX=/usr")
    return folder


def test_parts_are_where_they_belong(installed):
    for name in ("bin/memtrace", "lib/libmemtrace.so", "libexec/memtrace/memtrace-collector",
                 "share/man/man1/memtrace.1", "share/man/man7/libmemtrace.7"):
        assert (installed / "usr" / name).is_file(), name


def test_installed_command_traces(installed, any_python, tmp_path):
    command = [installed / "usr/bin/memtrace", "run", "-o", tmp_path / "r.memtrace", "--",
               any_python, SCRIPT, "1000"]
    done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert len(find_profiles(tmp_path)) == 1
    report = subprocess.run([installed / "usr/bin/memtrace", "report", tmp_path / "r.memtrace"],
                            capture_output=True, text=True, timeout=60)
    assert report.returncode == 0
    assert "growing_list.py" in report.stdout and "count=1,000" in report.stdout


def test_installed_library_traces(installed, any_python, tmp_path):
    environment = clean_environment(LD_PRELOAD=installed / "usr/lib/libmemtrace.so",
                                    MEMTRACE_OUT=tmp_path / "r.memtrace")
    subprocess.run([any_python, SCRIPT, "1000"], env=environment, check=True, capture_output=True)
    assert len(find_profiles(tmp_path)) == 1


def run_make(target, destdir, *variables):
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    build = os.path.relpath(os.environ.get("MEMTRACE_BUILD", "build"), ROOT)
    sanitized = ["SAN=1"] if "/san" in build else []
    subprocess.run(["make", "-s", *sanitized, f"O={build}", target, f"DESTDIR={destdir}", *variables],
                   cwd=ROOT, env=environment, check=True, capture_output=True)


def files_below(folder):
    return {path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir()}


@pytest.mark.parametrize("prefix", ["/usr/local", "/opt/mem trace"])
def test_uninstall_removes_what_install_put_there(tmp_path, prefix):
    """And nothing of others', though it lies beside it under a similar name."""
    others = {pathlib.Path(prefix[1:]) / name for name in (
        "bin/memtrace-other", "lib/libmemtrace.so.1", "libexec/memtrace/other", "share/man/man1/memtrace.1.gz",
        "lib/pkgconfig/memtraces.pc", "share/bash-completion/completions/memtrace2")}
    for path in others:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    run_make("install", tmp_path, f"PREFIX={prefix}")
    put = files_below(tmp_path) - others
    assert len(put) >= 11
    assert all((tmp_path / path).stat().st_size for path in put)
    run_make("uninstall", tmp_path, f"PREFIX={prefix}")
    assert files_below(tmp_path) == others


def test_every_man_page_is_installed(installed):
    assert {path.name for path in (installed / "usr/share/man").rglob("*.*")} == {
        path.name for path in (ROOT / "man").glob("*.[1-8]")}


@pytest.mark.skipif(not shutil.which("pkg-config"), reason="pkg-config is missing: apt-get install pkg-config")
def test_pkg_config_knows_the_library(installed):
    def ask(question):
        done = subprocess.run(["pkg-config", question, "memtrace"], check=True, capture_output=True, text=True,
                              env=dict(os.environ, PKG_CONFIG_PATH=installed / "usr/lib/pkgconfig"))
        return done.stdout.strip()
    version = subprocess.run([installed / "usr/bin/memtrace", "--version"], capture_output=True, text=True)
    assert ask("--modversion") == version.stdout.split()[1]
    assert ask("--variable=libdir") == "/usr/lib"
    assert (installed / ask("--variable=preload")[1:]).is_file()


SHELLS = {"bash": "share/bash-completion/completions/memtrace", "zsh": "share/zsh/site-functions/_memtrace",
          "fish": "share/fish/vendor_completions.d/memtrace.fish"}


@pytest.fixture(params=SHELLS)
def shell(request):
    if not shutil.which(request.param):
        pytest.skip(f"{request.param} is missing, its completion wasn't tested: apt-get install {request.param}")
    return request.param


def test_completions_can_be_read(installed, shell):
    done = subprocess.run([shell, "-n", installed / "usr" / SHELLS[shell]], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def built_commands():
    listing = subprocess.run([COMMAND, "help"], capture_output=True, text=True, check=True).stdout
    return {line.split()[0] for line in listing.splitlines()
            if line.startswith("  ") and "not built yet" not in line}


@pytest.mark.parametrize("file", sorted(SHELLS.values()))
def test_completions_know_every_command_and_option(installed, file):
    text = (installed / "usr" / file).read_text()
    for command in built_commands():
        assert re.search(rf"\b{command}\b", text), command
        usage = subprocess.run([COMMAND, command, "--help"], capture_output=True, text=True).stdout
        for option in re.findall(r"^ {2,6}(?:-\w, )?--([a-z]+)", usage, re.MULTILINE):
            assert re.search(rf"(--|-l ){option}\b", text) or option == "usage", (command, option)


def complete(installed, *words, cwd):
    """What bash offers for the last word."""
    script = ('. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }; '
              '_memtrace; printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, "bash", installed / "usr" / SHELLS["bash"], "memtrace", *words],
                          cwd=cwd, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")
    return set(done.stdout.split())


def test_bash_completes(installed, tmp_path):
    (tmp_path / "app.12.memtrace").touch()
    (tmp_path / "notes.txt").touch()
    assert complete(installed, "re", cwd=tmp_path) == {"report", "recover"}
    assert complete(installed, "", cwd=tmp_path) >= built_commands()
    assert complete(installed, "report", "", cwd=tmp_path) == {"app.12.memtrace"}
    assert complete(installed, "report", "--by", "f", cwd=tmp_path) == {"function", "file"}
    assert complete(installed, "report", "--by", "=", "m", cwd=tmp_path) == {"module"}
    assert complete(installed, "report", "--fo", cwd=tmp_path) == {"--focus"}
    assert complete(installed, "run", "--follow", "=", "n", cwd=tmp_path) == {"none"}
    assert complete(installed, "run", "--ev", cwd=tmp_path) == {"--events"}
    assert complete(installed, "run", "-o", "x", "--", "cat", "not", cwd=tmp_path) == {"notes.txt"}

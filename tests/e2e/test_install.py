"""An installed tree finds its own parts."""

import os
import subprocess

import pytest
from conftest import ROOT, clean_environment, find_profiles

SCRIPT = ROOT / "samples/growing_list.py"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    environment = dict(os.environ)
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        environment.pop(name, None)
    build = os.path.relpath(os.environ.get("MEMTRACE_BUILD", "build"), ROOT)
    command = ["make", "-s", f"O={build}", "install", f"DESTDIR={folder}", "PREFIX=/usr"]
    if "/san" in build:
        command.insert(1, "SAN=1")
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
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

"""The man pages are well formed, and they know the commands and variables there are."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("MEMTRACE_BUILD", "build")
PAGES = sorted((ROOT / "man").glob("*.[1-8]"))


@pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is missing: apt-get install mandoc")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_mandoc_has_no_complaint(page):
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True)
    assert done.stdout + done.stderr == ""


def test_every_variable_the_shim_reads_is_documented():
    read = set(re.findall(r'"(MEMTRACE_[A-Z]+)"', "".join(
        path.read_text() for path in sorted((ROOT / "preload").glob("*.c")))))
    documented = set(re.findall(r"MEMTRACE_[A-Z]+", (ROOT / "man/libmemtrace.7").read_text()))
    assert read <= documented


def test_every_command_that_is_built_is_documented():
    listing = subprocess.run([BUILD / "memtrace", "help"], capture_output=True, text=True, check=True).stdout
    page = (ROOT / "man/memtrace.1").read_text()
    for command in ("run", "report", "map", "diff", "gate", "export", "dump", "mark", "ls", "doctor", "recover"):
        assert re.search(rf"^\s+(memtrace )?{command}\b", listing, re.MULTILINE), command
        assert re.search(rf"^\.It Cm {command}\b", page, re.MULTILINE), command

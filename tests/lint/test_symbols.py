"""What the library shows to the process it lives in, and what it needs from it."""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("MEMTRACE_BUILD", "build")
LIBRARY = BUILD / "libmemtrace.so"


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.hazard("symbols")
def test_it_exports_exactly_what_its_version_script_lists():
    text = re.sub(r"/\*.*?\*/|#[^\n]*", "", (ROOT / "preload/libmemtrace.map").read_text(),
                  flags=re.DOTALL)
    exported_part = re.search(r"global:(.*?)(?:local:|\})", text, re.DOTALL).group(1)
    listed = set(re.findall(r"[A-Za-z_]\w*", exported_part))
    lines = output_of("nm", "-D", "--defined-only", LIBRARY).splitlines()
    exported = {line.split()[-1].split("@")[0] for line in lines if line.split()[-2] != "A"}
    assert exported == listed


@pytest.mark.hazard("libunwind", "memory of its own")
def test_it_needs_libc_and_nothing_else():
    dynamic = output_of("readelf", "-d", LIBRARY)
    needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic))
    assert "libc.so.6" in needed
    assert needed <= {"libc.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}


@pytest.mark.hazard("thread-local storage")
def test_its_thread_local_variables_need_no_allocation():
    """A dynamic TLS model would call malloc from inside malloc."""
    relocations = output_of("readelf", "-rW", LIBRARY)
    assert not re.search(r"R_\w+_(DTPMOD64|TLSDESC)", relocations)


@pytest.mark.parametrize("program", ["memtrace-collector"])
def test_two_copied_files_are_enough_in_an_image(program):
    dynamic = output_of("readelf", "-d", BUILD / program)
    assert "libzstd" not in dynamic

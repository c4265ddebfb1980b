"""What the library does when the interpreter isn't laid out as it believes: it must notice by itself,
say so, and go on with what it can know. Each test builds the library with one mistake put in."""

import os
import re
import shutil
import subprocess

import pytest
from conftest import BUILD, ROOT, python_version

PROGRAM = """
import ctypes
kept = [ctypes.create_string_buffer(4000) for _ in range(500)]
"""


@pytest.fixture
def wrong_library(tmp_path):
    """wrong_library(field, value): a library whose table has this value for every version, beside a collector."""

    def build(field, value):
        tree = tmp_path / "tree"
        shutil.copytree(ROOT / "preload", tree / "preload")
        shutil.copy(ROOT / "Makefile", tree)
        table = tree / "preload/cpython_layout.c"
        column = f"FIELD({field}, {', '.join(8 * [str(value)])})"
        text, count = re.subn(rf"\bFIELD\({field},[^)]*\)", column, table.read_text())
        if field == "FIRST_MINOR":
            text, count = re.subn(r"FIRST_MINOR = \d+", f"FIRST_MINOR = {value}", text)
        assert count == 1, field
        # From 3.13 on the interpreter itself would mend the column.
        text = re.sub(rf"\bTELLS\({field}, [^)]*\),", "", text)
        table.write_text(text)
        subprocess.run(["make", "-s", "-C", tree, "O=build", "build/libmemtrace.so"], check=True,
                       env={k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))})
        shutil.copy(BUILD / "memtrace-collector", tree / "build")
        return tree / "build/libmemtrace.so"

    return build


def run(trace, python, library):
    program = trace.work / "program.py"
    program.write_text(PROGRAM)
    return trace(python, program, env={"LD_PRELOAD": library}, check=False)


def live_bytes(traced):
    return sum(entry["size_bytes"] for entry in traced.report()["growth"])


@pytest.mark.parametrize("field, value, why", [
    # The first line is read from another field: every line is off.
    ("code_first_line", 52, "disagree"),
    # The name of the file is no str.
    ("code_file", 24, "not laid out"),
    # No such version.
    ("FIRST_MINOR", 99, "not known"),
])
def test_stacks_go_off(trace, any_python, wrong_library, field, value, why):
    traced = run(trace, any_python, wrong_library(field, value))
    stacks = traced.report()["process"]["stacks"]
    assert stacks.startswith("off: ") and why in stacks
    assert all(entry["file"] is None for entry in traced.report()["growth"])
    # The blocks are known all the same.
    assert live_bytes(traced) >= 500 * 4000
    assert traced.run_record()["replaced"] == 0


def test_stacks_are_on_otherwise(trace, any_python, wrong_library):
    traced = run(trace, any_python, wrong_library("frame_owner", {11: 69, 12: 70, 13: 70, 14: 74, 15: 74}[
        python_version(any_python)[1]]))
    assert traced.report()["process"]["stacks"] == "on"
    assert any(str(entry["file"]).endswith("program.py") for entry in traced.report()["growth"])

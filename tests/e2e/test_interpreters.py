"""Says aloud which interpreters the other tests didn't see, and checks the table of layouts against headers."""

import glob
import os
import re
import subprocess

import pytest
from conftest import INTERPRETERS, ROOT, WANTED, python_version

HEADERS = {os.path.basename(folder)[len("python"):]: folder
           for folder in glob.glob(os.path.expanduser("~/.pyenv/versions/3.*/include/python3.*"))}
@pytest.mark.parametrize("version", WANTED)
def test_interpreter_is_there(version):
    there = {"%d.%d" % python_version(path)[:2] for path in INTERPRETERS.values()}
    if version not in there:
        pytest.skip(f"CPython {version} is missing, nothing was tested with it: `make interpreters` unpacks "
                    f"Debian's into a cache, `pyenv install {version}` builds it, or name interpreters in "
                    "MEMTRACE_TEST_PYTHONS, separated by colons")


def column(version):
    """field -> what the table says of this version."""
    text = (ROOT / "preload/cpython_layout.c").read_text()
    first = int(re.search(r"FIRST_MINOR = (\d+)", text)[1])
    index = int(version.split(".")[1]) - first
    return {field: re.split(r",\s*", values.strip())[index]
            for field, values in re.findall(r"^\tFIELD\((\w+),([^)]*)\)", text, re.MULTILINE)}


@pytest.mark.parametrize("version", [v for v in WANTED if v in HEADERS] or [None])
def test_column_is_what_the_headers_say(version):
    if version is None:
        pytest.skip("no interpreter with its internal headers in ~/.pyenv: `pyenv install 3.12`")
    printed = subprocess.run([ROOT / "scripts/layout-column", HEADERS[version]], check=True,
                             capture_output=True, text=True).stdout
    says = dict(line.split() for line in printed.splitlines())
    table = column(version)
    assert len(table) > 30 and says.keys() <= table.keys()
    differing = {name: (says.get(name, "0"), value) for name, value in table.items()
                 if says.get(name, "0") != value}
    assert differing == {}

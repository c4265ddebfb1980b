"""Says aloud which interpreters the other tests didn't see, and checks the table of layouts against headers."""

import glob
import os
import re
import subprocess

import pytest
from conftest import INTERPRETERS, ROOT, WANTED, python_version

HEADERS = {os.path.basename(folder)[len("python"):]: folder
           for folder in glob.glob(os.path.expanduser("~/.pyenv/versions/3.*/include/python3.*"))}
# Where the others say nothing about a field, it is 0.
FIELD = re.compile(r"\.(\w+) = (\w+),")


@pytest.mark.parametrize("version", WANTED)
def test_interpreter_is_there(version):
    there = {"%d.%d" % python_version(path)[:2] for path in INTERPRETERS.values()}
    if version not in there:
        pytest.skip(f"CPython {version} is missing, nothing was tested with it: `make interpreters` unpacks "
                    f"Debian's into a cache, `pyenv install {version}` builds it, or name interpreters in "
                    "MEMTRACE_TEST_PYTHONS, separated by colons")


def rows(text):
    """minor version -> its fields, of C source that looks like the table."""
    found = {}
    for row in re.findall(r"^\t\{\n(.*?)^\t\},", text, re.DOTALL | re.MULTILINE):
        fields = dict(FIELD.findall(row))
        found["3." + fields.pop("minor")] = fields
    return found


@pytest.mark.parametrize("version", [v for v in WANTED if v in HEADERS] or [None])
def test_row_is_what_the_headers_say(version):
    if version is None:
        pytest.skip("no interpreter with its internal headers in ~/.pyenv: `pyenv install 3.12`")
    printed = subprocess.run([ROOT / "scripts/layout-row", HEADERS[version]], check=True,
                             capture_output=True, text=True).stdout
    table = rows((ROOT / "preload/cpython_layout.c").read_text())
    says = rows(printed)
    assert list(says) == [version]
    named = says[version].keys() | table[version].keys()
    assert len(named) > 20
    differing = {name: (says[version].get(name, "0"), table[version].get(name, "0")) for name in named
                 if says[version].get(name, "0") != table[version].get(name, "0")}
    assert differing == {}

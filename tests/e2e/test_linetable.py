"""Line tables: our decoder against the interpreter's own, over its whole standard library."""
import json
import os
import pathlib
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
EVERY_INTERPRETER = True


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    built = tmp_path_factory.mktemp("linetable") / "linetable.so"
    subprocess.run([os.environ.get("CC", "cc"), "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-shared",
                    "-fPIC", "-o", built, HERE / "linetable_compare.c",
                    ROOT / "collector" / "linetable.c"], check=True)
    return built


def compare(python, library, *folder):
    run = subprocess.run([python, "-I", HERE / "linetable_stdlib.py", library, *folder],
                         check=True, stdout=subprocess.PIPE, timeout=300)
    return json.loads(run.stdout)


def test_standard_library(python, library):
    counts = compare(python, library)
    print(python, counts)
    assert counts["first"] is None and counts["differing"] == 0
    # A standard library without its test suite still has this much.
    assert counts["codes"] > 10_000 and counts["decodes"] > 500_000


def far_apart():
    """Lines that need long entries: gaps of 70,000 lines, steps back, calls over many lines."""
    return "".join([
        "a = 1\n", "\n" * 70_000, "b = (a +\n", "\n" * 300, " a)\n",
        "def f(x, *rest):\n    return [x\n for y in\n rest if y\n", "\n" * 200, "]\n",
        "f(1,\n", "  f(2),\n" * 300, ")\n",
        "class C:\n    try:\n        z = 1\n    except Exception as e:\n        z = e\n",
        "    finally:\n        y = lambda: (yield)\n",
        "while a:\n    a -= 1\n    if a:\n        continue\n",
    ])


def test_lines_far_apart(python, library, tmp_path):
    (tmp_path / "far.py").write_text(far_apart())
    counts = compare(python, library, tmp_path)
    assert counts["first"] is None
    assert counts["codes"] >= 4 and counts["decodes"] > 1_000

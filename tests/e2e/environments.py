"""Environments with packages of the Python registry, one for each list of requirements: see scripts/venv."""

import functools
import pathlib
import subprocess

import pytest
from conftest import ROOT

SECONDS = 300
REQUIREMENTS = {
    "server": ROOT / "samples/server/requirements.txt",
    "packages": ROOT / "tests/e2e/packages.txt",
    "ci": ROOT / "tests/e2e/ci.txt",
}


@functools.lru_cache(maxsize=None)
def made(name):
    """(path of its python or None, what was said instead)."""
    try:
        done = subprocess.run([ROOT / "scripts/venv", name, REQUIREMENTS[name]], capture_output=True,
                              text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return None, f"scripts/venv took longer than {SECONDS} s"
    if done.returncode:
        return None, done.stderr.strip()
    return pathlib.Path(done.stdout.strip()), ""


def venv_python(name):
    """Its interpreter; the test is skipped where it can't be made."""
    python, trouble = made(name)
    if not python:
        pytest.skip(f"no packages from the Python registry: {trouble}")
    return python

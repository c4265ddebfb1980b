"""The environment with the packages that the server samples need: see scripts/server-venv."""

import functools
import pathlib
import subprocess

import pytest
from conftest import ROOT

SECONDS = 300


@functools.lru_cache(maxsize=None)
def made():
    """(path of its python or None, what was said instead)."""
    try:
        done = subprocess.run([ROOT / "scripts/server-venv"], capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return None, f"scripts/server-venv took longer than {SECONDS} s"
    if done.returncode:
        return None, done.stderr.strip()
    return pathlib.Path(done.stdout.strip()), ""


def venv_python():
    """Its interpreter; the test is skipped where it can't be made."""
    python, trouble = made()
    if not python:
        pytest.skip(f"no packages from the Python registry: {trouble}")
    return python

"""Nothing is made for x86-64 alone: what can be checked of aarch64 without such a machine."""

import os
import pathlib
import re
import shutil
import struct
import subprocess

import pytest
from test_layering import ALLOWED, sources, without_comments_and_strings

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("MEMTRACE_BUILD", "build")
COMPILER = "aarch64-linux-gnu-gcc"
EM_AARCH64 = 183
# How a thread waits a moment, and which programs are this machine's.
PLACES = {"preload/spin.h", "reporter/executable.c"}

ONE_ARCHITECTURE = re.compile(r"\b(__builtin_ia32_\w+|__builtin_aarch64_\w+|_mm\d*_\w+|\w+intrin\.h|arm_neon\.h"
                              r"|__asm__|asm|__x86_64__|__i386__|__aarch64__|__arm__)\b")


def test_what_differs_by_machine_stands_in_few_places():
    places = {path.relative_to(ROOT).as_posix() for folder in ALLOWED for path in sources(folder)
              if ONE_ARCHITECTURE.search(without_comments_and_strings(path.read_text()))}
    assert places == PLACES


@pytest.mark.parametrize("place", sorted(PLACES))
def test_each_has_a_branch_for_others(place):
    text = without_comments_and_strings((ROOT / place).read_text())
    outside = re.sub(r"#if defined\(__x86_64__\)\n.*?#(?:elif defined\(__aarch64__\)|else)\n.*?#endif", "",
                     text, flags=re.DOTALL)
    assert outside != text
    assert not ONE_ARCHITECTURE.search(outside)


@pytest.fixture(scope="module")
def built():
    """The folder of a build by the cross compiler: the library whole, the rest without its libraries."""
    if not shutil.which(COMPILER):
        pytest.skip(f"needs {COMPILER}: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross")
    folder = BUILD / "aarch64"
    kept = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES")}
    # The headers of zstd, elfutils and jansson are the same for all machines, and come last.
    done = subprocess.run(["make", "-C", ROOT, "-j2", "--no-print-directory", "WERROR=1", f"O={folder}",
                           f"CC={COMPILER} -idirafter /usr/include", "objects"],
                          env=kept, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return folder


def machine(path):
    with open(path, "rb") as file:
        return struct.unpack_from("<H", file.read(20), 18)[0]


def test_it_compiles_for_aarch64(built):
    objects = {path.relative_to(built / "obj").with_suffix(".c").as_posix()
               for path in built.glob("obj/*/*.o") if machine(path) == EM_AARCH64}
    every = {path.relative_to(ROOT).as_posix() for folder in ALLOWED
             for path in (ROOT / folder).glob("*.c")}
    assert objects >= every


def test_the_library_links_for_aarch64(built):
    library = built / "libmemtrace.so"
    assert machine(library) == EM_AARCH64
    dynamic = subprocess.run(["readelf", "-d", library], check=True, capture_output=True, text=True).stdout
    assert set(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)) <= {"libc.so.6", "ld-linux-aarch64.so.1"}

"""Includes point one way: preload <- collector <- reporter."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What a folder may include of another folder. The reporter gets the profile, the journal and the
# collector's small base; the shim's code reaches nothing that allocates.
ALLOWED = {
    "preload": set(),
    "collector": {"preload/stream.h"},
    "reporter": {
        "preload/stream.h",
        *(f"collector/{name}.h" for name in (
            "err", "mem", "buf", "u64map", "profile", "profile_read", "linetable",
            "block_table", "journal", "stream_read", "program")),
    },
}

BANNED = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|strtok|strncpy|strncat|alloca|gets)\s*\(")


def sources(folder):
    return sorted((ROOT / folder).glob("*.[ch]"))


def quoted_includes(path):
    text = path.read_text()
    for name in re.findall(r'^\s*#\s*include\s+"([^"]+)"', text, re.MULTILINE):
        yield (path.parent / name).resolve()


def without_comments_and_strings(text):
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', " ", text, flags=re.DOTALL)


@pytest.mark.parametrize("folder", ALLOWED)
def test_includes_point_one_way(folder):
    assert sources(folder)
    wrong = []
    for path in sources(folder):
        for target in quoted_includes(path):
            inside = target.relative_to(ROOT).as_posix()
            if not inside.startswith(folder + "/") and inside not in ALLOWED[folder]:
                wrong.append(f"{path.relative_to(ROOT)} includes {inside}")
    assert wrong == []


@pytest.mark.parametrize("folder", ALLOWED)
def test_every_header_says_what_it_is_for(folder):
    silent = [p.name for p in sources(folder) if p.suffix == ".h"
              and not p.read_text().startswith(f"/*\n * {p.name} - ")]
    assert silent == []


@pytest.mark.parametrize("folder", ALLOWED)
def test_no_banned_function_is_called(folder):
    called = []
    for path in sources(folder):
        code = without_comments_and_strings(path.read_text())
        called += [f"{path.relative_to(ROOT)}: {name}" for name in BANNED.findall(code)]
    assert called == []


def test_the_shim_reads_its_environment_in_one_place():
    places = {path.name for path in sources("preload")
              if re.search(r"\b(secure_)?getenv\s*\(", without_comments_and_strings(path.read_text()))}
    assert len(places) <= 1

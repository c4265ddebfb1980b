"""The tables in the section-5 man pages say what the compiler says: offsets, types, names, sizes."""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = {"memtrace-stream.5": ("preload/stream.h", "collector/journal.h"),
         "memtrace-profile.5": ("collector/profile.h",)}
# In the headers, but not in a file as they are.
IN_MEMORY = {"record", "journal_batch"}
TYPES = {"u16": "uint16_t", "u64": "uint64_t", "u32": "uint32_t", "i32": "int32_t", "i64": "int64_t"}


def tables(page):
    """struct name -> (size, [(offset, type, count, field)])"""
    found = {}
    for part in re.split(r"^\.Ss ", (ROOT / "man" / page).read_text(), flags=re.MULTILINE)[1:]:
        name = re.match(r"struct (\w+)\n(\d+) bytes\.\n", part)
        if name:
            rows = re.findall(r"^\.It (\d+) Ta (struct \w+|\w+)(?:\[(\d+)\])? Ta (\w+) Ta ", part,
                              re.MULTILINE)
            found[name[1]] = (int(name[2]), [(int(offset), kind, int(count or 1), field)
                                             for offset, kind, count, field in rows])
    return found


def fields(header, struct):
    body = re.search(rf"^struct {struct} \{{(.*?)^\}};", header, re.MULTILINE | re.DOTALL)[1]
    body = re.sub(r"/\*.*?\*/|_Alignas\(\d+\)|_Atomic", "", body, flags=re.DOTALL)
    return [re.match(r"\w+", declarator.split()[-1])[0]
            for statement in body.split(";") for declarator in statement.split(",")
            if declarator.strip()]


def assertions(struct, size, rows):
    yield f"_Static_assert(sizeof(struct {struct}) == {size}, \"size\");"
    for offset, kind, count, field in rows:
        yield f"_Static_assert(offsetof(struct {struct}, {field}) == {offset}, \"{field}\");"
        yield (f"_Static_assert(sizeof(((struct {struct} *)0)->{field}) == "
               f"{count} * sizeof({TYPES.get(kind, kind)}), \"{field}\");")


@pytest.mark.parametrize("page", PAGES)
def test_tables_are_what_the_compiler_says(page):
    header = "".join((ROOT / path).read_text() for path in PAGES[page])
    described = tables(page)
    defined = re.findall(r"^struct (\w+) \{", header, re.MULTILINE)
    assert sorted(described) == sorted(set(defined) - IN_MEMORY)
    source = [f"#include \"{ROOT / path}\"" for path in PAGES[page]]
    for struct, (size, rows) in described.items():
        assert [row[3] for row in rows] == fields(header, struct), struct
        source += assertions(struct, size, rows)
    done = subprocess.run([os.environ.get("CC", "cc"), "-std=gnu17", "-D_GNU_SOURCE", "-fsyntax-only",
                           "-x", "c", "-"], input="\n".join(source) + "\n", text=True,
                          capture_output=True)
    assert done.returncode == 0, done.stderr


def test_every_kind_of_record_is_described():
    header = (ROOT / "preload/stream.h").read_text()
    page = (ROOT / "man/memtrace-stream.5").read_text()
    defined = dict(re.findall(r"^\tR_([A-Z_]+) = (\d+),", header, re.MULTILINE))
    del defined["KIND_LIMIT"]
    flags = {name for name, value in defined.items() if name.startswith("GC_")}
    described = dict(re.findall(r"^\.It ([A-Z_]+) Ta (\d+) Ta ", page, re.MULTILINE))
    assert described == {name: value for name, value in defined.items() if name not in flags}


def test_every_section_is_described():
    writer = "".join((ROOT / "collector" / name).read_text() for name in ("profile_write.c", "snapshot.c"))
    page = (ROOT / "man/memtrace-profile.5").read_text()
    written = set(re.findall(r"section_write_init\([^\"]*\"(\w{4})\"", writer))
    assert written and written == set(re.findall(r"^\.It (\w{4}) Ta (?:struct|byte|u)", page, re.MULTILINE))

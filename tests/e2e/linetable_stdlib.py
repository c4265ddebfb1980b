"""Compares linetable_line with PyCode_Addr2Line over this interpreter's standard library.

Run as: python linetable_stdlib.py LIBRARY [FOLDER]. Prints counts and the first difference as JSON.
Must run on every supported interpreter, 3.8 on.
"""
import ctypes
import json
import os
import sys
import sysconfig
import types
import warnings

LNOTAB, RANGES_310, LOCATIONS = 1, 2, 3


class Table(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_char_p), ("len", ctypes.c_int64),
                ("kind", ctypes.c_int32), ("first_line", ctypes.c_int32)]


class Comparison(ctypes.Structure):
    _fields_ = [("decodes", ctypes.c_int64), ("differing", ctypes.c_int64),
                ("instr", ctypes.c_int32), ("ours", ctypes.c_int32), ("theirs", ctypes.c_int32)]


def table_of(code):
    if sys.version_info < (3, 10):
        kind, table = LNOTAB, code.co_lnotab
    else:
        kind = RANGES_310 if sys.version_info < (3, 11) else LOCATIONS
        table = code.co_linetable
    return Table(table, len(table), kind, code.co_firstlineno)


def codes_in(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes_in(constant)


def sources(folder):
    for path, folders, files in os.walk(folder):
        folders[:] = sorted(set(folders) - {"site-packages", "dist-packages"})
        for name in sorted(files):
            if name.endswith(".py"):
                yield os.path.join(path, name)


def compiled(folder):
    for path in sources(folder):
        try:
            with open(path, "rb") as source:
                yield compile(source.read(), path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError, FileNotFoundError):
            pass  # The test suite keeps files that are wrong on purpose; a link may lead nowhere.


def main():
    library = ctypes.PyDLL(sys.argv[1])
    folder = sys.argv[2] if len(sys.argv) > 2 else sysconfig.get_path("stdlib")
    compare = library.linetable_compare
    compare.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.POINTER(Table),
                        ctypes.c_int32, ctypes.POINTER(Comparison)]
    compare.restype = None
    theirs = ctypes.cast(ctypes.pythonapi.PyCode_Addr2Line, ctypes.c_void_p)
    result, first, codes = Comparison(), None, 0
    warnings.simplefilter("ignore")
    for module in compiled(folder):
        for code in codes_in(module):
            codes += 1
            compare(theirs, code, table_of(code), len(code.co_code), result)
            if result.differing and first is None:
                first = [code.co_filename, code.co_name, result.instr, result.ours,
                         result.theirs]
    print(json.dumps({"codes": codes, "decodes": result.decodes,
                      "differing": result.differing, "first": first}))


main()

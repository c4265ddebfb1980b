"""File and function names of every kind come out of a profile as the program gave them."""

import json

PROGRAM = """\
import json, os, sys
class Name(str):
    pass
FILL, kept, cases = b'.', [], []
def run(file, name):
    space = {'FILL': FILL}
    exec(compile('def f(): return FILL * 467', file, 'exec'), space)
    code = space['f'].__code__
    names = {'co_name': name}
    if sys.version_info >= (3, 11):
        names['co_qualname'] = name
    space['f'].__code__ = code.replace(**names)
    kept.append(space['f']())
    cases.append((id(kept[-1]), ascii(str(file)), ascii(str(name))))
for i in range(50):
    run(f'plain{i}.py', 'f')
run(Name('derived.py'), 'f')
run('plain.py', Name('derived'))
run(Name('d\\xe9riv\\u20ac.py'), Name('d\\U0001f600'))
run('\\xe9', '\\u20ac\\U0001f600')
run('lone\\udcff.py', 'f')
run('control\\n\\x01".py', 'quoted"\\n')
run('even.py', '\\xe9' * 9001)
run('odd.py', '\\xe9' * 9001)
run('x' * 9001, 'behind_a_long_path')
with open(sys.argv[1], 'w') as out:
    json.dump(cases, out)
os._exit(0)
"""

MOST = 8192


def utf8(text):
    """As a profile has it: lone surrogates are replaced."""
    return "".join("\ufffd" if 0xd800 <= ord(c) < 0xe000 else c for c in text)


def test_names(trace, python, tmp_path):
    script = tmp_path / "names.py"
    script.write_text(PROGRAM)
    run = trace(python, script, tmp_path / "cases")
    assert run.info()["stacks"] == "on"
    blocks, chains = run.blocks(), run.chains()
    cases = json.loads((tmp_path / "cases").read_text())
    assert len(cases) == 59
    for address, file, name in cases:
        wanted = (utf8(eval(file)), utf8(eval(name)))
        seen = chains[blocks[address]["stack"]][0]
        if sum(len(text.encode()) for text in wanted) < MOST:
            assert seen == (*wanted, 1)
            continue
        # What is too long is cut between two characters.
        assert wanted[0].startswith(seen[0]) and wanted[1].startswith(seen[1]) and seen[2] == 1
        assert len((seen[0] + seen[1]).encode()) in range(MOST - 1050, MOST)

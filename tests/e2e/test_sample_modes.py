"""Every sample's leaking line once more over debug allocators and with tracemalloc on.

tracemalloc's own tables come from malloc, made by whichever line is running: the blocks of Python's two
domains are counted.
"""

import pytest
from conftest import line_of, python_build
from test_samples import EXACT, path_of, sample


def blocks_of_lines(run, script, lines):
    """(count, bytes) of the live Python blocks whose innermost frame is on one of the lines."""
    chains = run.chains()
    here = {stack for stack, chain in chains.items()
            if chain and chain[0][0] == str(script) and chain[0][2] in lines}
    sizes = [block["bytes"] for block in run.blocks().values()
             if block["stack"] in here and block["domain"] in ("mem", "object")]
    return len(sizes), sum(sizes)


@pytest.mark.parametrize("variables", [{"PYTHONMALLOC": "debug"}, {"PYTHONTRACEMALLOC": "1"}],
                         ids=["debug", "tracemalloc"])
@pytest.mark.parametrize("name", EXACT)
def test_leaking_line_is_exact(trace, python, name, variables):
    case, script = sample(name, python_build(python)), path_of(name)
    run = trace(python, script, case.argument, env=variables, compare=False)
    lines = {line_of(script, f"# {comment}") for comment in case.comments}
    assert blocks_of_lines(run, script, lines) == (case.blocks, case.size)

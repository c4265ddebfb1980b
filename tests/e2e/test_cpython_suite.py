"""A few modules of CPython's own test suite end the same with the library and without, test by test. All of
them: make check-cpython."""

import functools
import sys

import pytest

from conftest import INTERPRETERS, LIBRARY, ROOT

sys.path.insert(0, str(ROOT / "tests/cpython"))
import run
import suite


@functools.cache
def usable():
    """The interpreters that have the tests, by age."""
    found = [suite.Interpreter(path) for path in INTERPRETERS.values()]
    return sorted((one for one in found if one.usable), key=lambda one: one.version)


@pytest.mark.parametrize("age", [0, -1], ids=["oldest", "newest"])
@pytest.mark.parametrize("module", suite.listed_modules(quick=True))
def test_results_are_the_same(tmp_path, module, age):
    if not usable():
        pytest.skip("no interpreter here has the package `test`: pyenv install one")
    comparison = run.Comparison(usable()[age], module, LIBRARY, suite.Cache(tmp_path))
    unexpected = comparison.unexpected(run.listed_differences())
    assert not unexpected, [comparison.traced.texts.get(name) for name in sorted(unexpected)]
    assert comparison.traced.results[suite.WHOLE] == "ran"
    assert len(comparison.traced.results) > 1
    assert comparison.traced.profiles.count >= 1
    assert not [text for program, text in comparison.traced.profiles.doubts if "differ" in text]


def test_a_difference_is_found(tmp_path):
    """What sees no difference would pass everything: under a library that isn't there, and so can't trace."""
    if not usable():
        pytest.skip("no interpreter here has the package `test`: pyenv install one")
    outcome = suite.run(usable()[0], "test_code", tmp_path / "libnone.so")
    assert outcome.results[suite.WHOLE] == "not traced"

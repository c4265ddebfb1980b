"""HAZARDS.md and the tests name each other: no hazard without a test, no test that isn't there."""

import ast
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "HAZARDS.md"
FOLDERS = ROOT / "tests/e2e", ROOT / "tests/lint"


def sections():
    """hazard -> (its files, its tests), as the page has them."""
    found = {}
    for part in re.split(r"^### ", PAGE.read_text(), flags=re.MULTILINE)[1:]:
        name, _, text = part.partition("\n")
        code = re.search(r"^Code: (.*?)\.$", text, re.MULTILINE | re.DOTALL)
        tests = re.search(r"^Tests: (.*?)\.$", text, re.MULTILINE | re.DOTALL)
        assert code and tests, f"{name}: 'Code:' or 'Tests:' is missing"
        assert name not in found, f"{name}: twice"
        found[name] = re.findall(r"`([^`]+)`", code[1]), set(re.findall(r"`([^`]+)`", tests[1]))
    return found


def hazards_of(function):
    """What its pytest.mark.hazard names."""
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.hazard":
            yield from (argument.value for argument in decorator.args)


def marked():
    """hazard -> the tests that name it."""
    found = {}
    for path in sorted(path for folder in FOLDERS for path in folder.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for hazard in hazards_of(node):
                    found.setdefault(hazard, set()).add(f"{path.name}::{node.name}")
    return found


def test_each_hazard_has_the_tests_that_its_section_lists():
    assert {name: tests for name, (_, tests) in sections().items()} == marked()


def test_files_of_the_page_are_there():
    missing = {file for files, _ in sections().values() for file in files if not (ROOT / file).exists()}
    assert missing == set()


def test_the_page_is_found():
    assert len(sections()) > 30
    assert "HAZARDS.md" in (ROOT / "CONTRIBUTING.md").read_text()

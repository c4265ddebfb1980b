"""Source text, parsed into trees and compiled: what an import costs."""

import ast
import inspect

from workload import run

SOURCE = inspect.getsource(ast)


def work(rounds):
    for _ in range(rounds):
        tree = ast.parse(SOURCE)
        assert sum(1 for _ in ast.walk(tree)) > 1000
        compile(tree, "ast.py", "exec")


run(work, 40)

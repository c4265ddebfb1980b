"""A gate in the life of a repository: twenty commits, of which some leak, some only look as if they did.

It fails on exactly those that leak, and names a line that does. Everything else that happens to a program
happens here too: lines move, files and functions get other names, hash seeds change, things take longer,
tables get larger and are taken into the baseline.
"""

import json
import os
import pathlib
import re
import subprocess

import pytest
from conftest import COMMAND, ROOT, clean_environment, lines_of

ROUNDS, SIZE = 60, 10_000
# Before CPython 3.13 nobody can follow what a leak takes out of the interpreter's free lists, a tuple here and a
# cell there: it is told of the line that had it before. The settings leave that little out.
LITTLE = 128
REPEATS = 10 if os.environ.get("MEMTRACE_TEST_LONG") else 1
SEED = "0"

SETTINGS = f"""\
[project]
name = "shop"

[tool.memtrace.gate]
baseline = "memory.json"
own = ["shop/**", "serve.py"]
warmup = 4
windows = 20
budgets = [
    {{metric = "live_end", baseline = "+2% or +256KiB", max = "64MiB"}},
    {{metric = "peak_live", baseline = "+2% or +256KiB"}},
]
leaks = {{min_bytes_per_iteration = {LITTLE}}}
"""

SERVE = f"""\
import memtrace

from shop.store import Store
from shop.orders import handle

store = Store()
for number in range({ROUNDS}):
    handle(store, number)
    memtrace.mark("iteration")
"""

STORE = f"""\
class Store:
    def __init__(self):
        self.prices = {{name: bytes({SIZE}) for name in range(100)}}
        self.listeners = []

    def price(self, number):
        return self.prices[number % 100]

    def notify(self, number):
        for listener in self.listeners:
            listener(number)
"""

ORDERS = f"""\
def parse(number):
    return bytearray({SIZE}) + str(number).encode()


def total(store, text):
    return len(text) + len(store.price(len(text)))


def handle(store, number):
    text = parse(number)
    result = total(store, text)
    store.notify(result)
    return result
"""


class Repository:
    """What is committed, and what the gate says of it."""

    def __init__(self, folder, python):
        self.folder, self.python, self.seed = folder, python, SEED
        (folder / "tmp").mkdir()
        (folder / ".gitignore").write_text("tmp/\n__pycache__/\ngate.json\n")
        (folder / "shop").mkdir()
        for name, text in (("pyproject.toml", SETTINGS), ("serve.py", SERVE), ("shop/store.py", STORE),
                           ("shop/orders.py", ORDERS), ("shop/__init__.py", "")):
            (folder / name).write_text(text)
        self.git("init", "-q")
        assert self.gate("--update-baseline")[0] == 0
        self.commit("begin")

    def git(self, *arguments):
        return subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false",
                               *arguments], cwd=self.folder, check=True, capture_output=True, text=True).stdout

    def commit(self, message):
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def edit(self, name, old, new):
        path = self.folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def before(self, name, old, line):
        self.edit(name, old, f"{line}\n{old}")

    def after(self, name, old, line):
        self.edit(name, old, f"{old}\n{line}")

    def move(self, old, new):
        (self.folder / new).parent.mkdir(exist_ok=True)
        self.git("mv", old, new)
        for path in self.folder.rglob("*.py"):
            module = {name: name[:-len(".py")].replace("/", ".") for name in (old, new)}
            path.write_text(path.read_text().replace(f"from {module[old]} ", f"from {module[new]} "))

    def gate(self, *options):
        done = subprocess.run([COMMAND, "gate", "--json", "gate.json", *options, "--", self.python, "serve.py"],
                              cwd=self.folder, capture_output=True, text=True, timeout=120,
                              env=clean_environment(PYTHONPATH=ROOT / "python", PYTHONHASHSEED=self.seed,
                                                    TMPDIR=self.folder / "tmp"))
        result = json.loads((self.folder / "gate.json").read_text())
        return done.returncode, result, done.stdout


# Each changes the program. What leaks is marked so in its source, and mended by the next.

def move_lines(repository):
    repository.edit("shop/orders.py", "def total", "# What it costs.\n#\n# In cents.\n\n\ndef total")


def keep_every_order(repository):
    repository.before("shop/orders.py", "    result = total", "    store.kept.append(bytes(text))  # leaks")
    repository.after("shop/store.py", "        self.listeners = []", "        self.kept = []")


def do_not_keep_them(repository):
    repository.edit("shop/orders.py", "    store.kept.append(bytes(text))  # leaks\n", "")


def rename_a_file(repository):
    repository.move("shop/store.py", "shop/storage.py")


def take_longer(repository):
    repository.before("serve.py", "import memtrace\n", "import time\n")
    repository.before("serve.py", "    memtrace.mark", "    time.sleep(0.005)")


def change_the_seed(repository):
    repository.seed = "4711"
    (repository.folder / "ci.env").write_text("PYTHONHASHSEED=4711\n")


def keep_every_generator(repository):
    repository.before("shop/orders.py", "    store.notify(result)", "    start(store, number)")
    repository.edit("shop/orders.py", "def handle", f"""\
def stream(number):
    data = bytes({SIZE})  # leaks
    yield number
    yield data


def start(store, number):
    running = stream(number)  # leaks
    next(running)  # leaks
    store.kept.append(running)  # leaks


def handle""")


def finish_generators(repository):
    repository.edit("shop/orders.py", "store.kept.append(running)  # leaks", "running.close()")
    repository.edit("shop/orders.py", "  # leaks", "")


def rename_a_function(repository):
    for name in ("shop/orders.py", "shop/storage.py"):
        repository.edit(name, "price(", "price_of(")


def reorder_functions(repository):
    path = repository.folder / "shop/orders.py"
    parts = path.read_text().split("\n\n\n")
    path.write_text("\n\n\n".join(part.strip("\n") for part in reversed(parts)) + "\n")


def cache_without_bound(repository):
    repository.edit("shop/storage.py", "    def price_of", f"""\
    def discount(self, number):
        if number not in self.discounts:
            self.discounts[number] = bytes({SIZE})  # leaks
        return self.discounts[number]

    def price_of""")
    repository.after("shop/storage.py", "        self.kept = []", "        self.discounts = {}")
    repository.after("serve.py", "    handle(store, number)", "    store.discount(number)")


def bound_it(repository):
    repository.before("shop/storage.py", "        if number not in", "        number %= 8")
    repository.edit("shop/storage.py", "  # leaks", "")


def grow_a_little(repository):
    repository.after("shop/storage.py", "        self.kept = []", f"        self.names = bytes({SIZE} * 5)")


def make_garbage(repository):
    repository.before("shop/orders.py", "    return bytearray", f"    sum(len(bytes({SIZE})) for _ in range(500))")


def register_listeners(repository):
    repository.after("serve.py", "    handle(store, number)", "    listen(store, number)")
    repository.edit("serve.py", "store = Store()", f"""\

def listen(store, number):
    data = bytes({SIZE})  # leaks

    def listener(result):  # leaks
        return data

    store.listeners.append(listener)  # leaks


store = Store()""")


def register_one(repository):
    repository.edit("serve.py", "    listen(store, number)\n", "")
    repository.edit("serve.py", "  # leaks", "")


def load_a_table(repository):
    """It is meant, and taken into the baseline with the change."""
    repository.after("shop/storage.py", "        self.kept = []", f"        self.table = bytes({SIZE} * 60)")
    assert repository.gate()[0] == 1
    assert repository.gate("--update-baseline")[0] == 0


def make_a_package(repository):
    repository.move("shop/storage.py", "shop/storage/prices.py")
    (repository.folder / "shop/storage/__init__.py").write_text("")


def leak_two_hundred_bytes(repository):
    repository.before("shop/orders.py", "    store.notify(result)",
                      "    store.kept.append(bytes(text[:200]))  # leaks")


def mend_it_and_the_seed(repository):
    repository.edit("shop/orders.py", "    store.kept.append(bytes(text[:200]))  # leaks\n", "")
    repository.seed = SEED
    (repository.folder / "ci.env").write_text(f"PYTHONHASHSEED={SEED}\n")


COMMITS = [move_lines, keep_every_order, do_not_keep_them, rename_a_file, take_longer, change_the_seed,
           keep_every_generator, finish_generators, rename_a_function, reorder_functions, cache_without_bound,
           bound_it, grow_a_little, make_garbage, register_listeners, register_one, load_a_table, make_a_package,
           leak_two_hundred_bytes, mend_it_and_the_seed]


def leaking_lines(folder):
    return {(path.relative_to(folder).as_posix(), line) for path in sorted(folder.rglob("*.py"))
            for line in lines_of(path, "# leaks")}


@pytest.mark.parametrize("repeat", range(REPEATS))
def test_it_fails_on_those_that_leak_alone(tmp_path, python, repeat):
    assert len(COMMITS) == 20
    repository = Repository(tmp_path, python)
    for commit in COMMITS:
        commit(repository)
        repository.commit(commit.__name__)
        status, result, text = repository.gate()
        leaks = leaking_lines(tmp_path)
        assert status == (1 if leaks else 0), (commit.__name__, text)
        failed = [check for check in result["checks"] if check["outcome"] == "failed"]
        named = {(check["site"]["file"], check["site"]["line"]) for check in failed if check["site"]}
        assert bool(named) == bool(leaks) and named <= leaks, (commit.__name__, named, leaks, text)
        for file, line in named:
            assert re.search(rf"^    {re.escape(file)}:{line} in ", text, re.MULTILINE)
            source = pathlib.Path(tmp_path, file).read_text().splitlines()[line - 1].strip()
            assert f"        {source}\n" in text, "the source line stands below it"
    assert len(repository.git("log", "--oneline").splitlines()) == 21

"""samples/ci: each recipe, step by step as it stands there, passes on the program and fails on a leak by its line."""

import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest
from conftest import COMMAND, ROOT, clean_environment, line_of
from environments import venv_python

SAMPLES = ROOT / "samples/ci"
SECONDS = 600
LEAK = '    KEPT.append(json.dumps([number] * 99))  # leaks\n'

READ = ("import json, sys, ruamel.yaml as yaml; "
        "json.dump(yaml.YAML(typ='safe', pure=True).load(open(sys.argv[1])), sys.stdout)")


@pytest.fixture(scope="module")
def tools():
    """The folder of python, tox and nox, and of readers of recipes."""
    return venv_python("ci").parent


def recipe(tools, name):
    """What a reader of YAML finds in it."""
    done = subprocess.run([tools / "python", "-c", READ, SAMPLES / name], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("schema, name", [("github-workflows", "github.yml"), ("gitlab-ci", "gitlab-ci.yml")])
def test_it_is_of_its_schema(tools, schema, name):
    done = subprocess.run([tools / "check-jsonschema", "--builtin-schema", f"vendor.{schema}", SAMPLES / name],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def environment(tools, folder, **more):
    path = f"{folder / 'bin'}:{COMMAND.parent}:{tools}:{os.environ['PATH']}"
    # A clone of what another user owns is git's to refuse, and none here.
    return clean_environment(PATH=path, HOME=folder, GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="safe.directory",
                             GIT_CONFIG_VALUE_0="*", DEPS="no", MEMTRACE_SOURCE=f"file://{ROOT}", **more)


def shell(folder, script, variables):
    return subprocess.run(["sh", "-e", "-c", script], cwd=folder, env=variables, capture_output=True, text=True,
                          timeout=SECONDS)


class Checkout:
    """The samples, as somebody has them who made the baseline; with a change that leaks, or without."""

    def __init__(self, folder, tools, leaks):
        self.folder, self.leaks = folder / "checkout", leaks
        shutil.copytree(SAMPLES, self.folder)
        self.variables = environment(tools, folder)
        done = self.run("memtrace gate --update-baseline -- python app.py")
        assert done.returncode == 0, done.stdout + done.stderr
        if leaks:
            path = self.folder / "app.py"
            text = path.read_text()
            handle = "def handle(number):\n"
            path.write_text(text.replace(handle, f"KEPT = []\n\n\n{handle}{LEAK}"))

    def run(self, script, **more):
        return shell(self.folder, script, {**self.variables, **{k: str(v) for k, v in more.items()}})

    def check(self, done):
        """Passed, or failed with its line."""
        assert (done.returncode != 0) == self.leaks, done.stdout + done.stderr
        if self.leaks:
            line = line_of(self.folder / "app.py", "# leaks")
            assert f"app.py:{line} in handle\n" in done.stdout and LEAK.strip() + "\n" in done.stdout


@pytest.fixture(params=[False, True], ids=["same", "leaks"])
def checkout(tmp_path, tools, request):
    return Checkout(tmp_path, tools, request.param)


def expand(text, names):
    """${{ NAME }} in a workflow's values."""
    return re.sub(r"\$\{\{ (\S+) \}\}", lambda found: str(names[found[1]]), text)


def test_github_workflow(checkout, tools, tmp_path):
    [job] = recipe(tools, "github.yml")["jobs"].values()
    judge = next(step for step in job["steps"] if "memtrace gate" in step.get("run", ""))
    variables = {key: expand(value, {"github.workspace": checkout.folder}) for key, value in judge["env"].items()}
    summary = tmp_path / "summary.md"
    done = checkout.run(judge["run"], GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=summary, **variables)
    checkout.check(done)
    used = {step["uses"].split("@")[0]: step["with"] for step in job["steps"] if "with" in step}
    sarif = json.loads((checkout.folder / used["github/codeql-action/upload-sarif"]["sarif_file"]).read_text())
    assert bool(sarif["runs"][0]["results"]) == checkout.leaks
    assert "Memory" in summary.read_text() or "memory" in summary.read_text()
    assert ("::error file=app.py,line=" in done.stdout) == checkout.leaks
    kept = list((checkout.folder / used["actions/upload-artifact"]["path"]).rglob("*.memtrace"))
    assert bool(kept) == checkout.leaks


def test_gitlab_job(checkout, tools):
    job = recipe(tools, "gitlab-ci.yml")["memory"]
    variables = {key: value.replace("$CI_PROJECT_DIR", str(checkout.folder))
                 for key, value in job["variables"].items()}
    make_folder = job["before_script"][0]
    checkout.check(checkout.run("\n".join([make_folder, *job["script"]]), **variables))
    report = ET.parse(checkout.folder / job["artifacts"]["reports"]["junit"])
    assert (report.find(".//failure") is not None) == checkout.leaks
    for path in job["artifacts"]["paths"]:
        assert (checkout.folder / path).exists()


@pytest.mark.parametrize("command", ["tox -e memory", "nox -s memory"], ids=["tox", "nox"])
def test_tox_and_nox(checkout, command):
    checkout.check(checkout.run(command))


def test_the_recipes_install_it(tools, tmp_path):
    """Once, for it takes a build: the commands of the two are the same."""
    [job] = recipe(tools, "github.yml")["jobs"].values()
    install = next(step["run"] for step in job["steps"] if "git clone" in step.get("run", ""))
    other = "\n".join(recipe(tools, "gitlab-ci.yml")["memory"]["before_script"])
    for part in ('git clone --quiet --depth 1 "$MEMTRACE_SOURCE" "', "scripts/deps demo", "make install"):
        assert part in install and part in other
    variables = environment(tools, tmp_path, RUNNER_TEMP=tmp_path, PREFIX=tmp_path / "installed")
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "O", "SAN", "WERROR"):
        variables.pop(name, None)
    if not (ROOT / ".git").exists():
        pytest.skip("this isn't a clone, which the recipes begin with")
    done = shell(tmp_path, install, variables)
    assert done.returncode == 0, done.stdout + done.stderr
    installed = subprocess.run([tmp_path / "installed/bin/memtrace", "--version"], capture_output=True, text=True)
    assert installed.returncode == 0 and installed.stdout.startswith("memtrace ")

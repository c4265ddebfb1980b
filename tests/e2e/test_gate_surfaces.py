"""What a gate writes is read by programs that others wrote for those formats.

The results are made by hand in tests/unit/gate_fixture.h: plain ones, one whose names hold the syntax of
every format, one with 1,000 findings, one without a verdict.
"""

import html
import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree

import pytest
from conftest import BUILD, ROOT

SECONDS = 120
WRITER = BUILD / "unit/test_gate_surfaces"
RESULTS = ("plain", "nasty", "many", "none")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    if not WRITER.exists():
        pytest.skip(f"no {WRITER}: make unit")
    made = tmp_path_factory.mktemp("surfaces")
    subprocess.run([WRITER, made], check=True, timeout=SECONDS)
    return made


@pytest.fixture(scope="module")
def promtool():
    try:
        done = subprocess.run([ROOT / "scripts/promtool"], capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        pytest.skip("scripts/promtool took longer than 300 s")
    if done.returncode:
        pytest.skip(f"no promtool: {done.stderr.strip()[-200:]}")
    return done.stdout.strip()


def read(folder, name, surface):
    return (folder / f"{name}.{surface}").read_bytes().decode("utf-8")


def facts(folder, name):
    return json.loads(read(folder, name, "json"))


@pytest.mark.parametrize("name", RESULTS)
def test_json_counts_its_checks(folder, name):
    result = facts(folder, name)
    assert result["schema"] == "memtrace.gate/1"
    assert sum(result["counts"].values()) == len(result["checks"])
    assert result["exit_code"] == (3 if name == "none" else 1)
    assert bool(result["why"]) == (name == "none")


@pytest.mark.parametrize("name", RESULTS)
def test_junit_is_read(folder, name):
    junitparser = pytest.importorskip("junitparser", reason="apt-get install python3-junitparser")
    result, path = facts(folder, name), folder / f"{name}.junit"
    suites = list(junitparser.JUnitXml.fromfile(str(path)))
    assert len(suites) == 1
    suite = suites[0]
    outcomes = {"Failure": 0, "Error": 0}
    cases = list(suite)
    for case in cases:
        for outcome in case.result:
            outcomes[type(outcome).__name__] = outcomes.get(type(outcome).__name__, 0) + 1
    assert outcomes["Failure"] == suite.failures == result["counts"]["failed"]
    assert outcomes["Error"] == suite.errors == (name == "none")
    assert len(cases) == suite.tests == len(result["checks"]) + (name == "none")
    assert len({case.name for case in cases}) == len(cases)


def test_junit_names_lines(folder):
    root = xml.etree.ElementTree.parse(folder / "plain.junit").getroot()
    case = next(case for case in root.iter("testcase") if case.get("name") == "new site: main > Store.put0")
    assert (case.get("file"), case.get("line")) == ("shop/app store.py", "1")
    assert "shop/app store.py:1 in Store.put\n" in case.find("failure").text


@pytest.mark.parametrize("name", RESULTS)
def test_metrics_are_read(folder, name):
    parser = pytest.importorskip("prometheus_client.openmetrics.parser",
                                 reason="apt-get install python3-prometheus-client")
    classic = pytest.importorskip("prometheus_client.parser")
    text = read(folder, name, "openmetrics")
    as_open, as_classic = ({(sample.name, *sorted(sample.labels.items())): sample.value
                            for family in families for sample in family.samples}
                           for families in (parser.text_string_to_metric_families(text),
                                            classic.text_string_to_metric_families(text)))
    assert as_open == as_classic
    counts = facts(folder, name)["counts"]
    for outcome, count in counts.items():
        assert as_open["memtrace_gate_checks", ("outcome", outcome)] == count
    assert text.endswith("# EOF\n") and text.count("\n# EOF\n") == 1


@pytest.mark.parametrize("name", RESULTS)
def test_promtool_finds_nothing_wrong(folder, name, promtool):
    done = subprocess.run([promtool, "check", "metrics"], input=read(folder, name, "openmetrics"),
                          capture_output=True, text=True, timeout=SECONDS)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def as_the_runner_reads(line):
    """(kind, properties, message) of a workflow command."""
    found = re.fullmatch(r"::(\w+) ([^:\r]*)::([^\r]*)", line)
    assert found, line
    properties = dict(part.split("=", 1) for part in found[2].split(","))

    def plain(text, more=()):
        for code, character in (("%0D", "\r"), ("%0A", "\n"), *more, ("%25", "%")):
            text = text.replace(code, character)
        return text
    return (found[1], {key: plain(value, (("%3A", ":"), ("%2C", ","))) for key, value in properties.items()},
            plain(found[3]))


@pytest.mark.parametrize("name", RESULTS)
def test_annotations_are_commands(folder, name):
    kinds = {"error": 0, "warning": 0, "notice": 0}
    for line in read(folder, name, "annotations").split("\n")[:-1]:
        kind, properties, _ = as_the_runner_reads(line)
        assert list(properties) in (["title"], ["file", "title"], ["file", "line", "title"])
        kinds[kind] += 1
    assert max(kinds.values()) <= 10
    assert kinds["error"] == min(10, max(1, facts(folder, name)["counts"]["failed"]))


def test_annotations_stand_at_their_lines(folder):
    lines = [as_the_runner_reads(line) for line in read(folder, "plain", "annotations").split("\n")[:-1]]
    checks = [check for check in facts(folder, "plain")["checks"] if check["outcome"] != "passed"]
    assert len(lines) == len(checks) + 1
    for (kind, properties, message), check in zip(lines, checks):
        assert kind == {"failed": "error", "warned": "warning"}[check["outcome"]]
        assert properties["title"] == "memtrace gate: " + check["title"]
        assert message.split("\n")[0] == check["message"]
        if check["site"]:
            assert (properties["file"], int(properties["line"])) == (check["site"]["file"], check["site"]["line"])


def rendered(text):
    cmark = shutil.which("cmark-gfm")
    if not cmark:
        pytest.skip("no cmark-gfm: apt-get install cmark-gfm")
    done = subprocess.run([cmark, "--unsafe", "--extension", "table", "--extension", "autolink",
                           "--extension", "strikethrough"],
                          input=text.encode(), capture_output=True, timeout=SECONDS, check=True)
    return done.stdout.decode()


@pytest.mark.parametrize("surface", ("comment.md", "summary.md"))
@pytest.mark.parametrize("name", RESULTS)
def test_markdown_has_no_tags_but_its_own(folder, name, surface):
    page = rendered(read(folder, name, surface))
    tags = set(re.findall(r"<(?!!-- -->)[!/]?(\w*)", page))
    assert tags <= {"h3", "h4", "p", "code", "pre", "table", "thead", "tbody", "tr", "th", "td", "details",
                    "summary", "ul", "li"}, tags
    assert page.count("<details>") == page.count("</details>")
    # Each row has as many cells as the head.
    for row in re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL):
        assert len(re.findall(r"<t[hd]\b", row)) == 5
    counts = facts(folder, name)["counts"]
    if name in ("plain", "nasty"):
        assert page.count("<h4>") == counts["failed"] + counts["warned"] == page.count("<details>") + 1


def test_markdown_shows_sentences_as_they_are(folder):
    """Nothing in a sentence is syntax: it comes out as its characters."""
    shown = re.findall(r"<li>(.*?)</li>", rendered(read(folder, "nasty", "comment.md")), re.DOTALL)
    shown = [html.unescape(text.replace("<!-- -->", "")).strip() for text in shown]
    said = [text.strip() for text in facts(folder, "nasty")["warnings"]]
    assert shown[:-1] == said[:-1] and len(shown) > 10


def test_markdown_says_how_many_are_left_out(folder):
    for surface, limit in (("comment.md", 65536), ("summary.md", 1 << 20)):
        text = read(folder, "many", surface)
        assert len(text.encode()) <= limit
        left_out = re.search(r"^(\d+) more rows are left out here\.$", text, re.MULTILINE)
        # 1,001 findings, and a warning.
        assert text.count("\n#### ") + (int(left_out[1]) - 1 if left_out else 0) == 1001
    assert left_out is None and re.search("left out", read(folder, "many", "comment.md"))


def multitool():
    """Microsoft's validator, by npx, which keeps what it fetched in npm's own cache."""
    if not shutil.which("npx"):
        pytest.skip("no npx: apt-get install npm")
    command = ["npx", "--yes", "@microsoft/sarif-multitool-linux@5.7.0"]
    try:
        done = subprocess.run([*command, "--version"], capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        pytest.skip("npx can't fetch @microsoft/sarif-multitool-linux in 300 s")
    if "SARIF Multitool" not in done.stdout + done.stderr:
        pytest.skip(f"npx can't run @microsoft/sarif-multitool-linux: {(done.stderr.strip() or '-')[-200:]}")
    return command


def test_sarif_is_valid(folder):
    command = multitool()
    environment = dict(os.environ, DOTNET_SYSTEM_GLOBALIZATION_INVARIANT="1")
    for name in RESULTS:
        done = subprocess.run([*command, "validate", str(folder / f"{name}.sarif")], env=environment,
                              capture_output=True, text=True, timeout=300)
        said = done.stdout + done.stderr
        assert "Analysis completed successfully" in said and not re.search(r"error SARIF|error JSON", said), said


@pytest.mark.parametrize("name", RESULTS)
def test_sarif_has_every_finding(folder, name):
    result = facts(folder, name)
    run = json.loads(read(folder, name, "sarif"))["runs"][0]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    findings = [check for check in result["checks"] if check["outcome"] != "passed"]
    assert [entry["ruleId"] for entry in run["results"]] == [check["rule"] for check in findings]
    assert {entry["ruleId"] for entry in run["results"]} <= rules
    prints = [entry["partialFingerprints"]["primaryLocationLineHash"] for entry in run["results"]]
    assert len(set(prints)) == len(prints)
    assert run["invocations"][0]["executionSuccessful"] == (name != "none")
    for entry, check in zip(run["results"], findings):
        where = entry["locations"][0]["physicalLocation"]
        assert re.fullmatch(r"(?:[\w.~/-]|%[0-9A-F]{2})+", where["artifactLocation"]["uri"])
        if check["site"]:
            assert where["region"]["startLine"] == check["site"]["line"]
            assert len(entry["codeFlows"][0]["threadFlows"][0]["locations"]) == len(check["site"]["frames"])

"""The kept event stream, replayed, is the same run."""

import subprocess

import pytest
from conftest import BUILD, ROOT, Profile, line_of

# What says when and by whom a profile was written, not what it holds.
WRITER = ("run_id", "flags", "written")


def without_writer(record):
    return {k: v for k, v in record.items() if k not in WRITER}


@pytest.mark.parametrize("events", ["full", "all"])
def test_replay_gives_the_same_profile(trace, python, tmp_path, events):
    script = ROOT / "samples/demo.py"
    run = trace(python, script, 2000, env={"MEMTRACE_EVENTS": events})
    assert list(trace.out.glob("*.journal.*")), "the journal is kept"
    again = tmp_path / "again.memtrace"
    subprocess.run([BUILD / "memtrace-collector", "--replay", run.path, "--to", again], check=True)
    replayed = Profile(again)
    replayed.check()
    first, second = run.dump(), replayed.dump()
    assert len(first) == len(second)
    for one, other in zip(first, second):
        assert without_writer(one) == without_writer(other)


@pytest.mark.parametrize("events", ["off", "full", "all"])
def test_allocated_less_freed_is_live(trace, python, tmp_path, events):
    """A run that ends without a teardown: its last record leaves what is live at the end."""
    script = tmp_path / "demo.py"
    script.write_text((ROOT / "samples/demo.py").read_text() +
                      "\nimport os\nimport sys\nsys.stdout.flush()\nos._exit(0)\n")
    run = trace(python, script, 2000, env={"MEMTRACE_EVENTS": events})
    live_bytes = live_blocks = 0
    for site in run.section("SITE"):
        assert site["total_bytes"] - site["freed_bytes"] == site["live_bytes"], site
        assert site["total_blocks"] - site["freed_blocks"] == site["live_blocks"], site
        live_bytes += site["live_bytes"]
        live_blocks += site["live_blocks"]
    record = run.run_record()
    assert (record["live_bytes"], record["live_blocks"]) == (live_bytes, live_blocks)
    assert (record["cancelled_pairs"] == 0) == (events == "all")
    entry = run.line(script, line_of(script, "# leaks"))
    assert (entry["count"], entry["size_bytes"]) == (2000, 2000 * 545)


def test_totals_are_the_same_with_and_without_cancelling(trace, python, tmp_path):
    """A cancelled pair is counted, only not kept one by one."""
    script = tmp_path / "pairs.py"
    script.write_text("FILL = b'.'\n"
                      "def spin(n):\n"
                      "    for i in range(n):\n"
                      "        FILL * 467  # pairs\n"
                      "spin(50_000)\n")
    figures = []
    for events in ("off", "all"):
        run = trace(python, script, env={"MEMTRACE_EVENTS": events})
        entry = run.line(script, line_of(script, "# pairs"))
        figures.append([entry[k] for k in ("total_count", "total_bytes", "count", "size_bytes")])
        for file in trace.out.iterdir():
            file.unlink()
    assert figures[0] == figures[1] == [50_000, 50_000 * 500, 0, 0]


def test_nothing_is_kept_unless_asked(trace, any_python):
    run = trace(any_python, ROOT / "samples/growing_list.py", 100)
    assert [p.name for p in run.folder.iterdir()] == [run.path.name]

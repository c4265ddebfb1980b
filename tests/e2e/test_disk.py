"""The journal's share of the disk is bounded, however much is recorded."""

import signal

from collectors import group_of_collector
from conftest import Profile, wait_for

LIMIT = 64 << 10
# Of journal, while a checkpoint is made.
UNDER_WAY = 16 << 20
ROUNDS = 6
PROGRAM = """\
import itertools
kept = [None] * 20_000
for i in itertools.count():
    kept[i * 7919 % 20_000] = b"." * (100 + i % 300)
"""


class Watch:
    """What a run has on the disk beside its ring, seen again and again."""

    def __init__(self, out):
        self.out, self.segments, self.checkpoints, self.largest = out, {}, {}, 0

    def look(self):
        """Files may come and go meanwhile: a sum of what was there, not at one instant."""
        journal = checkpoint = 0
        for path in self.out.parent.glob(f"{self.out.name}.*"):
            try:
                size, is_first = path.stat().st_size, path.name.endswith(".journal.1")
                covers = is_first and int.from_bytes(path.read_bytes()[28:32], "little")
            except FileNotFoundError:
                continue
            if ".checkpoint" in path.name or covers:
                checkpoint += size
                if covers:
                    self.checkpoints[covers] = size
            elif ".journal." in path.name:
                journal += size
                self.segments[path.name] = max(size, self.segments.get(path.name, 0))
        self.largest = max(self.largest, journal)
        most = max(self.checkpoints.values(), default=LIMIT)
        assert journal <= 2 * max(LIMIT, most) + UNDER_WAY
        # The one that is being written may be the largest so far.
        assert checkpoint <= 4 * most + LIMIT
        return len(self.checkpoints) >= ROUNDS


def test_journals_are_bounded(trace, any_python):
    """What is kept is far less than what was written."""
    script = trace.work / "program.py"
    script.write_text(PROGRAM)
    program = trace.start(any_python, script, env={"MEMTRACE_JOURNAL": LIMIT})
    try:
        wait_for(lambda: group_of_collector(trace.out), what="collector")
        watch = Watch(trace.out / "run.memtrace")
        wait_for(watch.look, 300, what=f"{ROUNDS} checkpoints")
    finally:
        program.send_signal(signal.SIGKILL)
        program.wait()
    profile = trace.wait_for_profile()
    assert list(trace.out.iterdir()) == [profile.path]
    assert watch.largest < sum(watch.segments.values())
    Profile(profile.path).check(killed=True)
    # As crash-safe in the end as in the beginning.
    assert profile.run_record()["crash_safe_until_ms"] is None

"""nox -s memory, where memtrace is installed."""

import nox


@nox.session
def memory(session):
    session.run("memtrace", "gate", "--", "python", "app.py", external=True)

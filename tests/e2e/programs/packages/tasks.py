"""Tasks of celery's for work_queue.py: one of them keeps what it makes."""

import os

from celery import Celery

app = Celery("tasks", broker=os.environ["BROKER"], backend=os.environ["BROKER"])
app.conf.update(worker_prefetch_multiplier=1, worker_hijack_root_logger=False, task_track_started=False,
                broker_connection_retry_on_startup=True)

FILL = b"."
HISTORY = []


@app.task
def remember(size):
    picture = FILL * size  # leaks
    HISTORY.append(picture)
    return os.getpid(), len(HISTORY)


@app.task
def add(one, other):
    return one + other

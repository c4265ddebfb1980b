"""Four threads that take turns at making small objects."""

import threading

from workload import run


def churn(rounds):
    for i in range(rounds):
        rows = [{"key": j, "value": [j, str(j)]} for j in range(100)]
        rows.sort(key=lambda row: -row["key"])


def work(rounds):
    threads = [threading.Thread(target=churn, args=(rounds // 4 + 1,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


run(work, 45000)

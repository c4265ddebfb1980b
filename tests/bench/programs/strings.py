"""Text, split, joined, replaced and encoded."""

from workload import run

WORDS = " ".join(f"word{i}" for i in range(500))


def work(rounds):
    for i in range(rounds):
        words = WORDS.split()
        upper = [word.upper() + "!" for word in words]
        joined = ",".join(upper)
        assert len(joined.encode().decode().replace("!", "").split(",")) == 500


run(work, 18000)

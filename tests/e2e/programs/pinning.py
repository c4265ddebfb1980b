"""Arenas that several lines hold together: LINES lines allocate in turn, each keeps one in a hundred."""

import sys

COUNT = int(sys.argv[1])
LINES = int(sys.argv[2])

SOURCE = "def make_{0}(i):\n    return (i, i, i)\n"
makers = []
for number in range(LINES):
    scope = {}
    exec(compile(SOURCE.format(number), f"<maker {number}>", "exec"), scope)
    makers.append(scope[f"make_{number}"])

# The numbers come first, so that nothing but tuples lies in the arenas in question.
numbers = list(range(COUNT))
every = [None] * COUNT
for i in numbers:
    every[i] = makers[i % LINES](i)
kept = [every[i] for i in numbers if i // LINES % 100 == 0]
del every
print(len(kept))

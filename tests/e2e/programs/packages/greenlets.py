"""greenlet: stacks that are left and taken up again, with blocks that are kept on each.

    greenlets.py GREENLETS OUT.json
"""

import sys

import greenlet
import witness

FILL = b"."
KEPT = []


def hold(size):
    KEPT.append(block := FILL * size), witness.note(id(block), sys.getsizeof(block))  # held
    greenlet.getcurrent().parent.switch()


def down(depth, size):
    if depth:
        down(depth - 1, size)
        hold(size + depth)
    else:
        hold(size)


def run(count):
    greenlets = [greenlet.greenlet(down) for _ in range(count)]
    for number, one in enumerate(greenlets):
        one.switch(number % 30, 600 + number)
    while any(greenlets):
        for one in greenlets:
            if one:
                one.switch()
    # Those that are killed unwind by an exception in the middle.
    killed = [greenlet.greenlet(down) for _ in range(10)]
    for one in killed:
        one.switch(5, 5000)
    del one, killed
    print(len(KEPT), sum(map(len, KEPT)))


run(int(sys.argv[1]))
witness.write(sys.argv[2])

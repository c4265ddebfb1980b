"""Exceptions that are kept, and through their traceback all that the failed calls had.

    memtrace run -- python3 samples/exception_traceback.py [REQUESTS]

Each of REQUESTS requests (2,000 unless told otherwise) fails, and its exception is kept for a summary.
An exception refers to its traceback, that to the frames it went through, and those to their local
variables. The line marked "leaks" holds, at the end, exactly REQUESTS blocks of 1,000 bytes: 967 bytes
of content and the 33 bytes that any bytes object needs (49 without a GIL). `error.with_traceback(None)`
before keeping it would free them.
"""

import sys

ERRORS = []
LETTER = b"x"


def handle(request):
    body = LETTER * 967  # leaks
    if request >= 0:
        raise ValueError("refused")
    return body


def main(requests):
    for request in range(requests):
        try:
            handle(request)
        except ValueError as error:
            ERRORS.append(error)
    bodies = [error.__traceback__.tb_next.tb_frame.f_locals["body"] for error in ERRORS]
    print(f"expected: {len(bodies)} blocks, {sum(map(sys.getsizeof, bodies))} bytes")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)

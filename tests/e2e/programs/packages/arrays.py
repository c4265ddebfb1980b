"""numpy: arithmetic of many kinds, and arrays that are kept.

    arrays.py OUT.json

An array's elements are one block of the C library's; its address and size are what numpy says.
"""

import io
import sys
import threading

import numpy
import witness

KEPT = []


def keep(rows, columns):
    # The same line makes it and tells of it: the frames are the same.
    KEPT.append(a := numpy.empty((rows, columns))), witness.note(a.ctypes.data, a.nbytes)  # kept
    a.fill(0.5)
    return float(a.sum())


def temporaries(rounds):
    total = 0
    for number in range(rounds):
        total += int((numpy.arange(1000) * number + 1)[::7].sum())  # temporary
    return total


def arithmetic():
    random = numpy.random.default_rng(42)
    a = random.standard_normal((120, 120))
    values = numpy.linalg.eigvalsh(a + a.T)
    solved = numpy.linalg.solve(a, numpy.ones(120))
    # The last bits depend on how blocks are aligned, so only what is near is said.
    print(numpy.isclose(values.sum(), 2 * a.trace()), numpy.allclose(a @ solved, 1))
    print(numpy.allclose(numpy.fft.ifft(numpy.fft.fft(a[0])), a[0]))
    words = numpy.array([f"word {n % 17}" for n in range(5000)])
    print(*numpy.unique(words, return_counts=True)[1])
    records = numpy.zeros(300, dtype=[("name", "U10"), ("value", "f8"), ("what", object)])
    records["what"] = [[n] for n in range(300)]
    print(sum(what[0] for what in records["what"]))
    grown = numpy.arange(10)
    for size in range(100, 100_000, 1999):
        grown.resize(size, refcheck=False)
    print(grown[:10].sum(), grown.size)
    stored = io.BytesIO()
    numpy.savez_compressed(stored, a=a, grown=grown)
    stored.seek(0)
    print(numpy.array_equal(numpy.load(stored)["a"], a))


def in_threads():
    totals = []

    def work(first):
        totals.append(sum(float(numpy.sort(numpy.arange(20_000)[::-1] + n)[0]) for n in range(first, 60, 4)))

    threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(sum(totals))


print(sum(keep(50 + number, 40) for number in range(200)))
print(temporaries(2000))
arithmetic()
in_threads()
witness.write(sys.argv[1])

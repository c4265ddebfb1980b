"""DataFrames that are not dropped. Wants pandas and numpy, and says so where they are missing.

    memtrace run -- python3 samples/dataframe.py [FRAMES]
    memtrace report --by own

Each of FRAMES frames (300 unless told otherwise) has 10,000 rows of four floats; they are kept by a cache
for a result of one number. numpy and pandas allocate inside themselves, so it is --by own, the
innermost line of the program's own code, that names the culprit: the line marked "leaks" holds, at the
end, exactly FRAMES blocks of 320,000 bytes, which are 10,000 * 4 floats of 8 bytes. Beside them are the
few hundred bytes of each frame's own objects. The lines that import pandas hold some 60 MB.
"""

import sys

try:
    import numpy
    import pandas
except ImportError as missing:
    print(f"nothing to see: {missing}")
    sys.exit(0)

CACHE = {}


def summary(number):
    frame = pandas.DataFrame(numpy.full((10_000, 4), 0.5), columns=["a", "b", "c", "d"])  # leaks
    CACHE[number] = frame
    return float(frame["a"].sum())


def main(frames):
    for number in range(frames):
        assert summary(number) == 5_000.0
    size = sum(frame.to_numpy().nbytes for frame in CACHE.values())
    print(f"expected: {len(CACHE)} blocks, {size} bytes")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)

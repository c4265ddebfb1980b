"""pandas: reading, grouping, joining, and frames that are kept.

    frames.py OUT.json

The numbers of a column made by itself are one block of the C library's: where numpy says.
"""

import io
import sys

import numpy
import pandas
import witness

KEPT = []


def keep(rows):
    values = numpy.full(rows, 1.5)
    # A copy, in pandas' own code.
    KEPT.append(frame := pandas.DataFrame({"value": values}, copy=True))  # kept
    column = frame["value"].to_numpy()
    witness.SEEN.append((column.ctypes.data, column.nbytes, None))
    return float(frame["value"].sum())


def work():
    text = "day,town,sold\n" + "".join(
        f"2024-{1 + n % 12:02}-{1 + n % 28:02},town {n % 23},{n % 101}\n" for n in range(5000))
    sales = pandas.read_csv(io.StringIO(text), parse_dates=["day"])
    print(sales.groupby("town")["sold"].agg(["sum", "mean", "max"]).sort_index().head(3).to_csv())
    towns = pandas.DataFrame({"town": [f"town {n}" for n in range(23)], "people": range(23)})
    joined = sales.merge(towns, on="town", how="left")
    print(int((joined["sold"] * joined["people"]).sum()))
    print(joined.pivot_table(index=joined["day"].dt.month, values="sold", aggfunc="sum").to_csv())
    print(joined.sort_values(["town", "day"], kind="stable")["sold"].rolling(7).mean().dropna().sum().round(3))


print(sum(keep(3000 + number) for number in range(100)))
work()
witness.write(sys.argv[1])

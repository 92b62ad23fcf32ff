"""The benchmark's arithmetic: medians, spreads, ratios, and how they are written."""

import dataclasses
import math
import statistics


@dataclasses.dataclass(frozen=True)
class Figure:
    """One measured figure: the value of each run, in the order of the runs."""

    runs: tuple

    @property
    def median(self):
        return statistics.median(self.runs)

    @property
    def spread(self):
        """(largest - smallest) / median: 0.1 means that the runs lie within 10 % of the median. 0 for a single run."""
        width = max(self.runs) - min(self.runs)
        return width / self.median if self.median else 0.0

    def as_json(self):
        return {"runs": [round(run, 6) for run in self.runs], "median": round(self.median, 6),
                "spread": round(self.spread, 4)}


def figure(values):
    """A figure of the runs that have the value; None when none has."""
    known = tuple(value for value in values if value is not None)
    return Figure(known) if known else None


def per_million(seconds, rows):
    """CPU seconds for each million rows."""
    return seconds * 1_000_000 / rows


def ratio(one, other):
    """How many times `other` is `one`; None when either is not known."""
    if one is None or other is None or not other.median:
        return None
    return one.median / other.median


def written(value, digits=3):
    """A number with so many significant digits and no exponent: 12,300, 1.23, 0.0123; '-' for None."""
    if value is None:
        return "-"
    if value == 0:
        return "0"
    decimals = digits - 1 - math.floor(math.log10(abs(value)))
    return f"{value:,.{min(max(decimals, 0), 6)}f}"


def written_with_spread(found):
    """'12.3 ±4%', where the percentage is half the spread."""
    if found is None:
        return "-"
    if len(found.runs) == 1:
        return written(found.median)
    return f"{written(found.median)} ±{round(50 * found.spread)}%"


def table(header, rows):
    """Lines of a text table; the first two columns are left, the others right. A row that is a string goes over the width."""
    cells = [header, *(row for row in rows if not isinstance(row, str))]
    widths = [max(len(row[n]) for row in cells) for n in range(len(header))]

    def line(row):
        return "  ".join(cell.ljust(width) if n < 2 else cell.rjust(width)
                         for n, (cell, width) in enumerate(zip(row, widths))).rstrip()

    return [line(header), "  ".join("-" * width for width in widths),
            *(row if isinstance(row, str) else line(row) for row in rows)]


def quantile(ordered, fraction):
    """The value below which `fraction` of the ordered values lie (nearest rank)."""
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, int(len(ordered) * fraction))]

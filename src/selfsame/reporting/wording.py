"""How numbers and names are written for people, the same in the report, the model card and the log."""

import math
import re
import sys

from selfsame.evaluation.results import Bounds
from selfsame.matching.figures import SYNTHETIC
from selfsame.protocols.names import Kind

PROTOCOLS: dict[Kind, str] = {
    "closed_set": "closed set",
    "subject_disjoint": "subject-disjoint",
    "open_set": "open set",
}

LEAST = 1e-5
"""No data set of this field tells smaller rates apart."""


def readable(name: str) -> str:
    """Write a dataset's, figure's or protocol's name for people: underscores are spaces.

    >>> readable("fingerprint_synthetic_impressions")
    'fingerprint (synthetic impressions)'
    """
    if name in PROTOCOLS:
        return PROTOCOLS[name]
    if name.endswith(SYNTHETIC):
        return f"{readable(name.removesuffix(SYNTHETIC))} (synthetic impressions)"
    return name.replace("_", " ").replace("+", " + ")


def order_naturally(name: str) -> list[tuple[int, str]]:
    """Give a name its place where numbers are ordered by what they count: a key for `sorted`.

    >>> sorted(["s10", "s9", "1", "11", "2"], key=order_naturally)
    ['1', '2', '11', 's9', 's10']
    """
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(int(part), "") if part.isdecimal() and part.isascii() else (sys.maxsize, part) for part in parts]


def share(rate: float) -> str:
    """Write a rate in per cent without its sign: two decimals, and more where these would hide an error.

    >>> [share(rate) for rate in (0.0, 1e-9, 0.0000213, 0.0213, 0.99998, 1.0)]
    ['0', '<0.001', '0.0021', '2.13', '99.998', '100']
    """
    if rate in (0.0, 1.0):
        return f"{rate * 100:.0f}"
    rest = min(rate, 1.0 - rate)
    if rest < LEAST:
        return f"<{LEAST * 100:g}" if rate < LEAST else f">{100 - LEAST * 100:g}"
    decimals = 2 if rest >= 0.0005 else min(4, 1 - math.floor(math.log10(rest * 100)))
    return f"{rate * 100:.{decimals}f}".rstrip("0") if decimals > 2 else f"{rate * 100:.2f}"


def percent(rate: float) -> str:
    """Write a rate in per cent."""
    return f"{share(rate)} %"


def limit(rate: str | float) -> str:
    """Write a stated rate, such as the FMR that a threshold holds.

    >>> limit("0.001")
    '0.1 %'
    """
    return f"{float(rate) * 100:g} %"


def interval(bounds: Bounds) -> str:
    """Write the two ends of an interval of rates.

    >>> interval((0.0, 0.0667))
    '0 to 6.67 %'
    """
    return f"{share(bounds[0])} to {share(bounds[1])} %"


def points(difference: float) -> str:
    """Write a difference of rates in percentage points, always with its sign.

    >>> points(-0.0123)
    '−1.23'
    """
    return f"{difference * 100:+.2f}".replace("-", "\N{MINUS SIGN}")


def points_interval(bounds: Bounds) -> str:
    """Write the two ends of an interval of differences of rates."""
    return f"{points(bounds[0])} to {points(bounds[1])}"


def count(number: int) -> str:
    """Write a count with thousands apart.

    >>> count(19800)
    '19,800'
    """
    return f"{number:,}"


def number_of(number: int, what: str) -> str:
    """Write how many there are of something.

    >>> number_of(1, "fold"), number_of(19800, "fold")
    ('1 fold', '19,800 folds')
    """
    return f"{count(number)} {what}{'' if number == 1 else 's'}"


def value(number: float) -> str:
    """Write a score, a threshold or an area, which have no unit: four significant digits.

    >>> value(0.123456)
    '0.1235'
    """
    return f"{number:.4g}".replace("-", "\N{MINUS SIGN}")


def probability(number: float) -> str:
    """Write an area under the ROC: four decimals, and more where these would hide the errors.

    >>> [probability(number) for number in (0.98765, 0.999987, 1.0, 1 - 1e-12)]
    ['0.9877', '0.999987', '1', '>0.99999999']
    """
    if number in (0.0, 1.0):
        return f"{number:.0f}"
    rest = min(number, 1.0 - number)
    if rest < 1e-8:
        return "<0.00000001" if number < 0.5 else ">0.99999999"
    return f"{number:.{4 if rest >= 0.0005 else min(8, 1 - math.floor(math.log10(rest)))}f}"

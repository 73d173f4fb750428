"""The plots made of lines: DET, ROC, CMC, open-set search."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from numpy.typing import NDArray
from scipy.stats import norm

from selfsame.evaluation.results import Metrics
from selfsame.metrics.comparisons import Comparisons
from selfsame.metrics.verification import ErrorCurve, full_curve
from selfsame.protocols.names import Kind
from selfsame.reporting.grid import Points, draw_panels
from selfsame.reporting.panels import Key, key_of
from selfsame.reporting.style import INK, PER_CENT, WASH, dress, per_cent, say

TICKS = (1e-5, 1e-4, 1e-3, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4)
ENDS = (0.1, 0.2, 0.4, 0.6)
"""The axes of error rates end at the first of these that is well above the lines, or at the last: nobody asks
how a system does that fails more often."""

BEYOND = 0.95
"""What is larger is drawn there, beyond the end of any axis: a normal deviate of 1 has no place."""

LOWEST = (1e-5, 1e-3)
"""They begin between these, where one comparison of all makes the rate."""

GRAIN = 1500
"""Points of a line that are closer than this part of the axis are drawn as one."""

FMR = "False match rate (FMR)"
FNMR = "False non-match rate (FNMR)"


def trace_curves(scores: pd.DataFrame, metrics: Metrics) -> dict[Key, ErrorCurve]:
    """Compute the error curve of every outcome from the table of scores; folds are pooled."""
    columns = ["protocol", "figure", "comparator"]
    rows = scores.groupby(columns, sort=False, observed=True).indices
    score = scores["score"].to_numpy(dtype=np.float64)
    probe = scores["probe_subject"].to_numpy(dtype=str)
    reference = scores["reference_subject"].to_numpy(dtype=str)
    curves = {}
    for key in map(key_of, metrics.outcomes):
        own = rows.get(tuple(key), np.empty(0, dtype=np.intp))
        own = own[np.isfinite(score[own])]
        if len(own):
            curves[key] = full_curve(Comparisons(score[own], probe[own], reference[own]))
    return curves


def draw_det(curves: Mapping[Key, ErrorCurve], metrics: Metrics) -> Figure:
    """Draw the detection error trade-off on normal-deviate axes.

    Source: A. Martin et al., "The DET curve in assessment of detection task performance", Eurospeech 1997.
    """
    if not curves:
        return say("No comparison gave a score: there is no trade-off to draw.")
    x_low = _lowest(metrics, "non_mated")
    y_low = _lowest(metrics, "mated")
    flawless = _find_flawless(curves)
    points = {
        key: _trade_off(curve.fmr, curve.fnmr, x_low, y_low)
        for key, curve in curves.items()
        if key not in flawless
    }
    return draw_panels(points, flawless, metrics, partial(_label_det, metrics, x_low, y_low))


def _find_flawless(curves: Mapping[Key, ErrorCurve]) -> set[Key]:
    """Find the lines of which no threshold has both kinds of errors."""
    return {key for key, curve in curves.items() if not (np.minimum(curve.fmr, curve.fnmr) > 0).any()}


def _label_det(
    metrics: Metrics,
    x_low: float,
    y_low: float,
    axes: Axes,
    protocol: Kind,
    title: str,
    lines: Sequence[Points],
) -> None:
    _set_deviates(axes, x_low, y_low, lines)
    _shade_unsupported(axes, axes.get_xlim()[0], norm.ppf(_smallest_fmr(metrics, protocol)))
    dress(axes, title=title, x=FMR, y=FNMR)


def _set_deviates(axes: Axes, x_low: float, y_low: float, lines: Sequence[Points]) -> None:
    """Give both axes the scale of normal deviates, and draw the line of equal errors."""
    most = max(float(norm.cdf(y.max())) for _, y in lines)
    high = next((end for end in ENDS if end > most * 1.1), ENDS[-1])
    both = [norm.ppf(max(x_low, y_low)), norm.ppf(high)]
    axes.plot(both, both, color=INK, linewidth=0.7, alpha=0.5)
    axes.set(xlim=norm.ppf([x_low, high]), ylim=norm.ppf([y_low, high]))
    for axis, low in ((axes.xaxis, x_low), (axes.yaxis, y_low)):
        ticks = [tick for tick in TICKS if low * 0.999 <= tick <= high]
        axis.set_ticks(norm.ppf(ticks), per_cent(ticks))
    axes.tick_params(axis="x", labelrotation=45)


def _trade_off(x: NDArray[np.float64], y: NDArray[np.float64], x_low: float, y_low: float) -> Points:
    """Make a line of normal deviates that begins at the left end of its axis and ends at the lower one.

    Of the points to the left of the axis only the last is kept, and of those below it only the first, so that
    no line runs along an axis.

    Args:
        x: rates that rise or fall along the line.
        y: the rates that do the opposite.
        x_low: where the axis of x begins.
        y_low: where the axis of y begins.
    """
    order = np.lexsort((-y, x))
    x, y = x[order], y[order]
    first = max(0, int(np.searchsorted(x, x_low, side="right")) - 1)
    last = int(np.searchsorted(-y, -y_low, side="left")) + 1
    return _thin(_deviate(x[first:last], x_low), _deviate(y[first:last], y_low))


def _deviate(rates: NDArray[np.float64], low: float) -> NDArray[np.float64]:
    deviates: NDArray[np.float64] = norm.ppf(np.clip(rates, low, BEYOND))
    return deviates


def _lowest(metrics: Metrics, of: str) -> float:
    """Round down to a power of ten the rate that one comparison of all makes."""
    most = max(getattr(one.verification, of) for one in metrics.outcomes)
    return float(np.clip(10.0 ** np.floor(-np.log10(max(most, 1)) + 1e-9), *LOWEST))


def _smallest_fmr(metrics: Metrics, protocol: Kind) -> float:
    return min(one.verification.smallest_fmr for one in metrics.outcomes if one.protocol == protocol)


def _shade_unsupported(axes: Axes, start: float, end: float) -> None:
    """Grey where the pairs of subjects are too few for any of the lines to mean what it shows."""
    if end > start and np.isfinite(end):
        axes.axvspan(start, end, color=WASH, linewidth=0, zorder=0)


def draw_roc(curves: Mapping[Key, ErrorCurve], metrics: Metrics) -> Figure:
    """Draw the receiver operating characteristic on a logarithmic axis of FMR."""
    if not curves:
        return say("No comparison gave a score: there is no characteristic to draw.")
    low = _lowest(metrics, "non_mated")
    flawless = _find_flawless(curves)
    points = {key: _roc_points(curve, low) for key, curve in curves.items() if key not in flawless}
    return draw_panels(points, flawless, metrics, partial(_label_roc, metrics, low))


def _roc_points(curve: ErrorCurve, low: float) -> Points:
    fmr, match = np.maximum(curve.fmr, low)[::-1], 1.0 - curve.fnmr[::-1]
    first = max(0, int(np.searchsorted(fmr, low, side="right")) - 1)
    x, y = _thin(np.log10(fmr[first:]), match[first:])
    return 10.0**x, y


def _label_roc(
    metrics: Metrics, low: float, axes: Axes, protocol: Kind, title: str, lines: Sequence[Points]
) -> None:
    floor = _find_floor(lines)
    _shade_unsupported(axes, low, _smallest_fmr(metrics, protocol))
    axes.set_xscale("log")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set(xlim=(low, 1.0), ylim=(floor, 1.0 + (1.0 - floor) * 0.02))
    axes.xaxis.set_major_formatter(PER_CENT)
    axes.yaxis.set_major_formatter(PER_CENT)
    dress(axes, title=title, x=FMR, y="True match rate (1 \N{MINUS SIGN} FNMR)")


def draw_cmc(metrics: Metrics) -> Figure:
    """Draw the cumulative match characteristic."""
    found = {key_of(one): one.identification for one in metrics.outcomes if one.identification is not None}
    if not found:
        return say("No protocol of this run searches a gallery: there are no ranks.")
    flawless = {key for key, result in found.items() if min(result.cmc) == 1.0}
    points = {
        key: (np.arange(1.0, len(result.cmc) + 1.0), np.array(result.cmc))
        for key, result in found.items()
        if key not in flawless
    }
    longest = max(len(result.cmc) for result in found.values())
    return draw_panels(points, flawless, metrics, partial(_label_cmc, longest))


def _label_cmc(longest: int, axes: Axes, protocol: Kind, title: str, lines: Sequence[Points]) -> None:
    floor = _find_floor(lines)
    axes.set(xlim=(0.5, max(longest, 2) + 0.5), ylim=(floor, 1.0 + (1.0 - floor) * 0.02))
    step = max(1, round(longest / 25) * 5) if longest > 10 else 1
    axes.set_xticks(sorted({1, *range(step, longest + 1, step)}))
    axes.yaxis.set_major_formatter(PER_CENT)
    dress(axes, title=title, x="Rank", y="Probes whose subject is within the rank")


def _find_floor(lines: Sequence[Points]) -> float:
    """Find where an axis of shares that are right begins: a little below the lowest line."""
    lowest = min(float(shares.min()) for _, shares in lines)
    return max(0.0, lowest - max(0.005, (1.0 - lowest) / 5))


def draw_open_set(metrics: Metrics) -> Figure:
    """Draw FNIR against FPIR of searches by people some of whom are not enrolled, on normal-deviate axes."""
    found = {key_of(one): one.open_set for one in metrics.outcomes if one.open_set is not None}
    if not found:
        return say("No protocol of this run searches for people who are not enrolled.")
    x_low = _power_of_ten(max(result.non_mated_searches for result in found.values()))
    y_low = _power_of_ten(max(result.mated_searches for result in found.values()))
    rates = {key: np.array(one.curve, dtype=np.float64).reshape(-1, 2).T for key, one in found.items()}
    flawless = {key for key, curve in rates.items() if not (curve.min(axis=0) > 0).any()}
    points = {
        key: _trade_off(fpir, fnir, x_low, y_low)
        for key, (fpir, fnir) in rates.items()
        if key not in flawless
    }
    return draw_panels(points, flawless, metrics, partial(_label_open_set, x_low, y_low))


def _power_of_ten(trials: int) -> float:
    return float(np.clip(10.0 ** np.floor(-np.log10(max(trials, 1)) + 1e-9), *LOWEST))


def _label_open_set(
    x_low: float, y_low: float, axes: Axes, protocol: Kind, title: str, lines: Sequence[Points]
) -> None:
    _set_deviates(axes, x_low, y_low, lines)
    dress(
        axes,
        title=title,
        x="False positive identification rate (FPIR)",
        y="False negative identification rate (FNIR)",
    )


def _thin(x: NDArray[np.float64], y: NDArray[np.float64]) -> Points:
    """Drop the points that would be drawn on top of the one before."""
    cells = np.stack([_cell(x), _cell(y)])
    kept = np.ones(len(x), dtype=bool)
    kept[1:-1] = (cells[:, 1:-1] != cells[:, :-2]).any(axis=0) | (cells[:, 1:-1] != cells[:, 2:]).any(axis=0)
    return x[kept], y[kept]


def _cell(values: NDArray[np.float64]) -> NDArray[np.float64]:
    span = float(np.ptp(values)) or 1.0
    return np.floor((values - values.min()) / span * GRAIN)

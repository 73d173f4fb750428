"""The plot of error versus discard: does a quality measure find the captures that are not matched?"""

import textwrap
from collections.abc import Sequence
from itertools import chain

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from selfsame.evaluation.results import DiscardCurve, Metrics
from selfsame.reporting.style import INK, PER_CENT, dress, line_of, new_panels, say
from selfsame.reporting.wording import readable

MOST_COLUMNS = 3
ROOM = 54
"""Letters of a line of a panel's title."""

LEGEND = 0.17
"""Inches of a line of the legend below a panel."""


def draw_discards(metrics: Metrics) -> Figure:
    """Draw FNMR as comparisons of low quality are discarded, a panel a figure, a line a quality measure.

    Source: P. Grother, E. Tabassi, "Performance of biometric quality measures", IEEE TPAMI 29(4), 2007.
    """
    groups: dict[tuple[str, str, str], list[DiscardCurve]] = {}
    for curve in metrics.discards:
        groups.setdefault((curve.protocol, curve.figure, curve.comparator), []).append(curve)
    if not groups:
        return say("No quality measure had enough comparisons to discard by.")
    measures = list(dict.fromkeys(curve.measure for curve in metrics.discards))
    columns = min(MOST_COLUMNS, len(groups))
    figure, grid = new_panels(
        -(-len(groups) // columns), columns, width=3.3, height=2.3, below=LEGEND * (2 + len(measures) // 3)
    )
    panels = list(chain.from_iterable(grid))
    for axes in panels[len(groups) :]:
        axes.set_axis_off()
    for axes, curves in zip(panels, groups.values(), strict=False):
        _draw(axes, curves, measures)
    handles = {line.get_label(): line for axes in panels for line in axes.get_lines()}
    figure.legend(
        handles=[handles[readable(measure)] for measure in measures], loc="lower center",
        ncols=min(4, len(measures)), frameon=False, fontsize=8, handlelength=3.2,
    )  # fmt: skip
    return figure


def _draw(axes: Axes, curves: Sequence[DiscardCurve], measures: Sequence[str]) -> None:
    for curve in curves:
        order = measures.index(curve.measure)
        axes.plot(curve.shares, curve.fnmr, label=readable(curve.measure), **line_of(order, order))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.xaxis.set_major_formatter(PER_CENT)
    axes.yaxis.set_major_formatter(PER_CENT)
    axes.set_xlim(0.0, max([1e-3, *(share for curve in curves for share in curve.shares)]))
    most = max([0.0, *(rate for curve in curves for rate in curve.fnmr)])
    axes.set_ylim(0.0, most * 1.08 if most > 0 else 1e-3)
    if most == 0:
        axes.text(0.5, 0.5, "no error", transform=axes.transAxes, ha="center", color=INK, fontsize=9)
    dress(axes, title="", x="Comparisons discarded", y="FNMR of the rest")
    first = curves[0]
    named = f"{readable(first.figure)} by {readable(first.comparator)}"
    title = "\n".join([*textwrap.wrap(f"{named}:", ROOM), readable(first.protocol)])
    axes.set_title(title, loc="left", fontsize=8.5, fontweight="bold", color=INK)

"""The plots of an evaluation: DET, ROC, CMC, histograms of scores, confusion matrix."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter
from numpy.typing import NDArray
from scipy.stats import norm

from selfsame.metrics.verification import ErrorCurve, full_curve
from selfsame.reporting.measurement import comparisons_of
from selfsame.reporting.results import Classification, Metrics
from selfsame.reporting.style import COLOURS, INK, dress, line_of, new_figure, per_cent, readable

DET_RANGE = (0.0005, 0.6)
DET_TICKS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4)
ROC_START = 1e-4
LABELLED_SUBJECTS = 50
"""Up to that many subjects the confusion matrix names each of them."""


def draw_all(scores: pd.DataFrame, metrics: Metrics) -> dict[str, Figure]:
    """Draw every plot by the name of its dataset."""
    det, roc = draw_error_curves(scores, metrics)
    return {
        "det": det,
        "roc": roc,
        "cmc": draw_cmc(metrics),
        "score_histograms": draw_histograms(scores, metrics),
        "confusion": draw_confusion(metrics),
    }


def draw_error_curves(scores: pd.DataFrame, metrics: Metrics) -> tuple[Figure, Figure]:
    """Draw the DET (normal-deviate axes) and the ROC (logarithmic FMR) of all figures.

    Source: A. Martin et al., "The DET curve in assessment of detection task performance", Eurospeech 1997.

    Args:
        scores: the table of scores.
        metrics: their results, whose order and counts the legend takes.
    """
    curves = {
        str(name): full_curve(comparisons_of(rows))
        for name, rows in scores.groupby("figure", sort=False)
        if name in metrics.verification
    }
    labels = {name: _counts(name, metrics) for name in curves}
    return _det(curves, labels), _roc(curves, labels)


def _counts(name: str, metrics: Metrics) -> str:
    result = metrics.verification[name]
    return (
        f"{readable(name)}: EER {result.eer * 100:.2f} %\n"
        f"{result.mated:,} mated, {result.non_mated:,} non-mated, {result.subjects} subjects"
    )


def _det(curves: Mapping[str, ErrorCurve], labels: Mapping[str, str]) -> Figure:
    figure = new_figure(width=9.8, height=5.9)
    axes = figure.add_subplot()
    low, high = norm.ppf(DET_RANGE)
    for order, (name, curve) in enumerate(curves.items()):
        fmr, fnmr = (norm.ppf(np.clip(rate, *DET_RANGE)) for rate in (curve.fmr, curve.fnmr))
        axes.plot(fmr, fnmr, label=labels[name], clip_on=False, **line_of(order))
    axes.plot([low, high], [low, high], color=INK, linewidth=0.8, alpha=0.5)
    axes.annotate(
        "equal error", (norm.ppf(0.35), norm.ppf(0.35)), fontsize=8, color=INK, rotation=45, va="bottom"
    )
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    axes.set_xticks(norm.ppf(DET_TICKS), per_cent(DET_TICKS))
    axes.set_yticks(norm.ppf(DET_TICKS), per_cent(DET_TICKS))
    dress(
        axes, title="Detection error trade-off", x="False match rate (FMR)", y="False non-match rate (FNMR)"
    )
    _add_legend(axes)
    return figure


def _roc(curves: Mapping[str, ErrorCurve], labels: Mapping[str, str]) -> Figure:
    figure = new_figure(width=9.8)
    axes = figure.add_subplot()
    for order, (name, curve) in enumerate(curves.items()):
        fmr, match = np.maximum(curve.fmr, ROC_START)[::-1], 1.0 - curve.fnmr[::-1]
        axes.plot(fmr, match, label=labels[name], drawstyle="steps-post", **line_of(order))
    lowest = min(float((1.0 - curve.fnmr[curve.fmr <= ROC_START]).max()) for curve in curves.values())
    axes.set_xscale("log")
    axes.set(xlim=(ROC_START, 1.0), ylim=(max(0.0, lowest - 0.1), 1.005))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:g} %"))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    dress(
        axes,
        title="Receiver operating characteristic",
        x="False match rate (FMR)",
        y="True match rate (1 - FNMR)",
    )
    _add_legend(axes)
    return figure


def _add_legend(axes: Axes) -> None:
    """Put the legend beside the axes, where it can hide no line."""
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.02, 1.0), frameon=False, labelspacing=0.9)


def draw_cmc(metrics: Metrics) -> Figure:
    """Draw the cumulative match characteristic of all figures."""
    figure = new_figure(width=9.8)
    axes = figure.add_subplot()
    for order, (name, result) in enumerate(metrics.identification.items()):
        ranks = np.arange(1, len(result.cmc) + 1)
        label = f"{readable(name)}: rank-1 {result.rank_1 * 100:.2f} %\n"
        label += f"{result.probes:,} probes, {result.enrolled} enrolled"
        axes.plot(ranks, result.cmc, marker="o", markersize=3.5, label=label, clip_on=False, **line_of(order))
    lowest = min(result.rank_1 for result in metrics.identification.values())
    axes.set_ylim(max(0.0, lowest - max(0.02, (1 - lowest) / 2)), 1.003)
    longest = max(len(result.cmc) for result in metrics.identification.values())
    axes.set_xticks(range(1, longest + 1, 1 + longest // 25))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    dress(
        axes, title="Cumulative match characteristic", x="Rank", y="Probes whose subject is within the rank"
    )
    _add_legend(axes)
    return figure


def draw_histograms(scores: pd.DataFrame, metrics: Metrics) -> Figure:
    """Draw the mated and non-mated scores of each figure and its threshold at the lowest FMR measured."""
    names = list(metrics.verification)
    columns = min(2, len(names))
    rows = -(-len(names) // columns)
    figure = new_figure(width=4.6 * columns, height=2.7 * rows + 0.6)
    for position, name in enumerate(names):
        axes = figure.add_subplot(rows, columns, position + 1)
        table = scores[scores["figure"] == name]
        _histogram(axes, name, table["score"].to_numpy(), table["mated"].to_numpy(), metrics)
    handles = [
        Line2D([], [], color=COLOURS[1], linewidth=6, alpha=0.75, label="mated"),
        Line2D([], [], color=COLOURS[0], linewidth=6, alpha=0.75, label="non-mated"),
        Line2D([], [], color=INK, linestyle="--", label="threshold"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    return figure


def _histogram(
    axes: Axes, name: str, score: NDArray[np.floating], mated: NDArray[np.bool_], metrics: Metrics
) -> None:
    points = metrics.verification[name].fnmr_at_fmr
    fmr = min(points, key=float)
    threshold = points[fmr].threshold
    bins = np.linspace(min(score.min(), threshold), max(score.max(), threshold), 60).tolist()
    axes.hist(score[~mated], bins=bins, density=True, color=COLOURS[0], alpha=0.75)
    axes.hist(score[mated], bins=bins, density=True, color=COLOURS[1], alpha=0.75)
    axes.axvline(threshold, color=INK, linestyle="--", linewidth=1.2)
    axes.annotate(
        f"FMR {float(fmr) * 100:g} %", (threshold, 0.97), xycoords=("data", "axes fraction"), xytext=(4, 0),
        textcoords="offset points", fontsize=8, color=INK, va="top",
    )  # fmt: skip
    axes.set_yticks([])
    dress(axes, title=readable(name), x="Score (higher is more alike)", y="Density")


def draw_confusion(metrics: Metrics) -> Figure:
    """Draw who was named whom by the classifier, for the figure that uses most modalities.

    Where the protocol has no classifier to measure, the figure says so.
    """
    figure = new_figure(width=7.6, height=7.0)
    axes = figure.add_subplot()
    if not metrics.classification:
        axes.set_axis_off()
        axes.text(
            0.5, 0.5, f"No classifier is measured under {metrics.protocol.kind}", ha="center", color=INK
        )
        return figure
    name, result = list(metrics.classification.items())[-1]
    labels, counts = _confusion_matrix(result)
    image = axes.imshow(counts, cmap="Blues", interpolation="nearest")
    figure.colorbar(image, ax=axes, shrink=0.7, label="Presentations", ticks=MaxNLocator(integer=True))
    title = (
        f"Confusion matrix, {readable(name)}: {result.accuracy * 100:.2f} % of {result.presentations} right"
    )
    dress(axes, title=title, x="Named by the classifier", y="Subject presented")
    axes.grid(visible=False)
    if len(labels) <= LABELLED_SUBJECTS:
        axes.set_xticks(range(len(labels)), labels, fontsize=6, rotation=90)
        axes.set_yticks(range(len(labels)), labels, fontsize=6)
    return figure


def _confusion_matrix(result: Classification) -> tuple[list[str], NDArray[np.int64]]:
    labels = sorted({label for truth, named, _ in result.confusions for label in (truth, named)})
    position = {label: place for place, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)), dtype=np.int64)
    for truth, named, count in result.confusions:
        counts[position[truth], position[named]] = count
    return labels, counts

"""One self-contained HTML page: results with intervals and counts, plots, and what repeats them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from matplotlib.figure import Figure

from selfsame.evaluation.results import Metrics
from selfsame.matching.score_fusion.settings import CalibrationKind
from selfsame.reporting import wording
from selfsame.reporting.captions import CAPTIONS
from selfsame.reporting.contents import has_plot, list_contents, list_sections
from selfsame.reporting.headline import draw_headline
from selfsame.reporting.rendering import draw_inline, open_html

PIXELS_PER_INCH = 88
"""At which plots are shown; on a narrow screen the widest scroll rather than shrink to nothing."""


@dataclass(frozen=True)
class Picture:
    """A plot as the page holds it: SVG as a data URI, its natural width in CSS pixels, what it shows."""

    uri: str
    width: int
    caption: str


def render_report(
    metrics: Metrics,
    plots: Mapping[str, Figure],
    *,
    calibration: CalibrationKind,
    settings: Mapping[str, object],
    origin: Mapping[str, object],
) -> str:
    """Write the page.

    Args:
        metrics: the results.
        plots: the figures by the name of their dataset, such as `det`, and `history` where there was a
            training; any may be missing.
        calibration: how scores become log-likelihood ratios.
        settings: the parameters of the run.
        origin: what else identifies the run, such as the model, digests and versions.

    Returns:
        HTML with every image inside and no link to anything outside.
    """
    shown = {name: figure for name, figure in plots.items() if has_plot(metrics, name)}
    if any(map(metrics.headline, metrics.protocols)):
        shown["headline"] = draw_headline(metrics)
    return (
        open_html()
        .get_template("report.html")
        .render(
            metrics=metrics,
            contents=list_contents(metrics),
            sections=list_sections(metrics, shown),
            pictures={name: _picture(name, figure) for name, figure in shown.items()},
            calibration=calibration,
            settings=json.dumps(settings, indent=2, sort_keys=True, default=str),
            origin=origin,
        )
    )


def _picture(name: str, figure: Figure) -> Picture:
    return Picture(
        uri=draw_inline(name, figure),
        width=round(figure.get_figwidth() * PIXELS_PER_INCH),
        caption=CAPTIONS.get(name, wording.readable(name)),
    )

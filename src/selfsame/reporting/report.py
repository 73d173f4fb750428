"""One self-contained HTML page: results with intervals and counts, plots, and what repeats them."""

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib import rc_context
from matplotlib.figure import Figure

from selfsame.reporting import wording
from selfsame.reporting.captions import CAPTIONS
from selfsame.reporting.contents import has_plot, list_contents, list_sections
from selfsame.reporting.headline import draw_headline
from selfsame.reporting.results import Metrics

PIXELS_PER_INCH = 80
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
    settings: Mapping[str, object],
    origin: Mapping[str, object],
) -> str:
    """Write the page.

    Args:
        metrics: the results.
        plots: the figures by the name of their dataset, such as `det`, and `history` where there was a
            training; any may be missing.
        settings: the parameters of the run.
        origin: what else identifies the run, such as the model, digests and versions.

    Returns:
        HTML with every image inside and no link to anything outside.
    """
    shown = {name: figure for name, figure in plots.items() if has_plot(metrics, name)}
    if any(map(metrics.headline, metrics.protocols)):
        shown["headline"] = draw_headline(metrics)
    return (
        _environment()
        .get_template("report.html")
        .render(
            metrics=metrics,
            contents=list_contents(metrics),
            sections=list_sections(metrics, shown),
            pictures={name: _picture(name, figure) for name, figure in shown.items()},
            settings=json.dumps(settings, indent=2, sort_keys=True, default=str),
            origin=origin,
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("selfsame.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = (
        wording.count,
        wording.interval,
        wording.limit,
        wording.percent,
        wording.points,
        wording.points_interval,
        wording.probability,
        wording.readable,
        wording.value,
    )
    environment.filters.update({function.__name__: function for function in filters})
    return environment


def _picture(name: str, figure: Figure) -> Picture:
    """Draw the same bytes for the same plot: no date, and names of parts that follow from what they are."""
    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return Picture(
        uri="data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode("ascii"),
        width=round(figure.get_figwidth() * PIXELS_PER_INCH),
        caption=CAPTIONS.get(name, wording.readable(name)),
    )

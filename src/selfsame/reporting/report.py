"""One self-contained HTML page: results with intervals and counts, plots, and what repeats them."""

import base64
import io
import json
from collections.abc import Mapping

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure

from selfsame.reporting.results import Interval, Metrics
from selfsame.reporting.style import readable

CAPTIONS = {
    "det": "Detection error trade-off: both error rates on normal-deviate axes; lower left is better.",
    "roc": "Receiver operating characteristic: mated comparisons accepted at each false match rate.",
    "cmc": "Cumulative match characteristic: how many probes find their subject within a rank.",
    "score_histograms": "Scores of mated and non-mated comparisons, and a threshold.",
    "confusion": "Whom the trained classifier named, closed set.",
    "history": "Training: loss, accuracy on augmented captures and learning rate by epoch.",
}
"""What each plot shows, in the order of the report."""


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
        plots: the figures by caption, in the order they are shown.
        settings: the parameters of the run.
        origin: what else identifies the model, such as digests and versions.

    Returns:
        HTML with every image inside and no link to anything outside.
    """
    environment = Environment(
        loader=PackageLoader("selfsame", "reporting"), autoescape=True, undefined=StrictUndefined
    )
    environment.filters.update(percent=_percent, interval=_interval, readable=readable)
    return environment.get_template("report.html").render(
        metrics=metrics,
        figures=figure_order(metrics),
        plots={caption: _data_uri(figure) for caption, figure in plots.items()},
        settings=json.dumps(settings, indent=2, sort_keys=True, default=str),
        origin=origin,
    )


def figure_order(metrics: Metrics) -> list[str]:
    """Order the figures for the headline: fused ones first, `irises` before `all`, then single modalities."""
    names = list(metrics.verification)
    fused = [name for name in names if len(metrics.verification[name].modalities) > 1]
    return fused + [name for name in names if name not in fused]


def _percent(rate: float) -> str:
    return f"{rate * 100:.2f} %"


def _interval(bounds: Interval) -> str:
    return f"{bounds[0] * 100:.2f} to {bounds[1] * 100:.2f} %"


def _data_uri(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")

"""The page about the estimators that name people, and the plot of what the number of components does."""

import json
from collections.abc import Mapping
from itertools import groupby

from jinja2 import Environment
from markupsafe import Markup
from matplotlib.figure import Figure

from selfsame.learning.estimators.measuring import EstimatorMeans, Mean, Summary
from selfsame.reporting.rendering import draw_inline, open_html
from selfsame.reporting.style import PER_CENT, dress, line_of, new_figure, plain, say
from selfsame.reporting.wording import percent, readable


def render_estimators(summary: Summary, components: Figure, *, settings: Mapping[str, object]) -> str:
    """Write a self-contained page.

    Args:
        summary: of the estimators.
        components: from `draw_components`.
        settings: the parameters that repeat it.

    Returns:
        HTML with the plot inside and no link to anything outside.
    """
    return (
        _open()
        .get_template("estimators.html")
        .render(
            fragment=Markup(render_fragment(summary, components)),  # rendered, so escaped already
            settings=json.dumps(settings, indent=2, sort_keys=True, default=str),
        )
    )


def render_fragment(summary: Summary, components: Figure) -> str:
    """Write the tables and the plot alone, as a section of another page."""
    return (
        _open()
        .get_template("sections/estimators.html")
        .render(summary=summary, picture=draw_inline("components", components))
    )


def draw_components(summary: Summary) -> Figure:
    """Draw accuracy and calibration error by the number of components, a line an estimator."""
    trials = sorted(summary["components"], key=lambda one: (one["estimator"], one["components"]))
    if not trials:
        return say("No number of components but the configured ones was tried.")
    figure = new_figure(width=9.0, height=4.0)
    shown: tuple[tuple[str, str], ...] = (("accuracy", "accuracy"), ("ece", "expected calibration error"))
    for axes, (measure, title) in zip(figure.subplots(1, len(shown)), shown, strict=True):
        for order, (name, group) in enumerate(groupby(trials, key=lambda one: one["estimator"])):
            rows = list(group)
            numbers = [one["components"] for one in rows]
            axes.plot(
                numbers,
                [_mean_of(one, measure) for one in rows],
                marker="o",
                markersize=4,
                label=plain(readable(name)),
                **line_of(order, order),
            )
        dress(axes, title=title, x="components, at most", y=title)
        axes.yaxis.set_major_formatter(PER_CENT)
    figure.axes[0].legend(frameon=False, fontsize=9)
    return figure


def _mean_of(one: EstimatorMeans, measure: str) -> float:
    means: dict[str, Mean] = {"accuracy": one["accuracy"], "ece": one["ece"]}
    return means[measure]["mean"]


def _open() -> Environment:
    environment = open_html()
    environment.filters["bounds"] = _bounds
    return environment


def _bounds(mean: Mean) -> str:
    """Write the interval of a rate, which may not leave 0 to 1 as its formula may."""
    low, high = mean["low"], mean["high"]
    if low is None or high is None:
        return "one split: no interval"
    return f"{percent(max(0.0, low))} to {percent(min(1.0, high))}"

"""How templates become pages: one set of filters, and plots that lie inside the page."""

import base64
import io

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib import rc_context
from matplotlib.figure import Figure

from selfsame.reporting import wording

FILTERS = {
    function.__name__: function
    for function in (
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
}

ESCAPES = str.maketrans({"<": "&lt;", "|": "\\|", "\n": " ", "\r": " "})
"""What would end a cell of a table in Markdown or begin HTML."""


def open_html() -> Environment:
    """Open the templates of HTML, in which what is shown is escaped."""
    environment = Environment(
        loader=PackageLoader("selfsame.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    return environment


def open_markdown() -> Environment:
    """Open the templates of Markdown, in which text that is shown can be neither a table nor HTML."""
    return open_html().overlay(autoescape=False, keep_trailing_newline=True, finalize=_escape)


def draw_inline(name: str, figure: Figure) -> str:
    """Draw a plot as an SVG in a data URI: the same bytes for the same plot.

    It holds no date, and the names of its parts follow from its own name and what they are.
    """
    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _escape(value: object) -> object:
    return value.translate(ESCAPES) if isinstance(value, str) else value

"""The model card of a run: what was measured, for whom it is meant, and where it ends."""

import json

from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import ValidationError

from selfsame.errors import DamagedError
from selfsame.reporting import wording
from selfsame.reporting.contents import list_contents
from selfsame.reporting.results import Bounds, Metrics

ESCAPES = str.maketrans({"<": "&lt;", "|": "\\|", "\n": " ", "\r": " "})
"""What would end a cell of a table or begin HTML."""


def read_metrics(text: str, place: str) -> Metrics:
    """Read the content of metrics.json, which lies at a place that refusals name.

    Raises:
        DamagedError: it is not what the evaluation writes.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise DamagedError(
            f"expected metrics in JSON at {place}, got {error}: run evaluation again"
        ) from error
    try:
        return Metrics.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        raise DamagedError(
            f"expected metrics as this version of the evaluation writes them at {place}, got {where}: "
            f"{first['msg']} (and {error.error_count() - 1} more): run evaluation again"
        ) from error


def render_model_card(metrics: Metrics) -> str:
    """Write the card in Markdown: every number is one of the results.

    Source: M. Mitchell et al., "Model cards for model reporting", FAT* 2019.
    """
    environment = Environment(
        loader=PackageLoader("selfsame.reporting"),
        autoescape=False,  # this is Markdown: see _escape
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_escape,
    )
    environment.filters.update(
        count=wording.count,
        limit=wording.limit,
        percent=wording.percent,
        points=wording.points,
        points_interval=wording.points_interval,
        rate=_rate,
        readable=wording.readable,
    )
    return environment.get_template("model_card.md").render(metrics=metrics, contents=list_contents(metrics))


def _rate(rate: float, bounds: Bounds) -> str:
    return f"{wording.percent(rate)} ({wording.interval(bounds)})"


def _escape(value: object) -> object:
    """Keep names that come from the data from being read as Markdown's tables or as HTML."""
    return value.translate(ESCAPES) if isinstance(value, str) else value

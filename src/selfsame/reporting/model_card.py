"""The model card of a run: what was measured, for whom it is meant, and where it ends."""

import json

from pydantic import ValidationError

from selfsame.errors import DamagedError
from selfsame.evaluation.results import Bounds, Metrics
from selfsame.reporting import wording
from selfsame.reporting.contents import list_contents
from selfsame.reporting.rendering import open_markdown


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
            f"{first['msg']}{_count_others(error)}: run evaluation again"
        ) from error


def render_model_card(metrics: Metrics) -> str:
    """Write the card in Markdown: every number is one of the results.

    Source: M. Mitchell et al., "Model cards for model reporting", FAT* 2019.
    """
    environment = open_markdown()
    environment.filters["rate"] = _rate
    return environment.get_template("model_card.md").render(metrics=metrics, contents=list_contents(metrics))


def _rate(rate: float, bounds: Bounds) -> str:
    return f"{wording.percent(rate)} ({wording.interval(bounds)})"


def _count_others(error: ValidationError) -> str:
    others = error.error_count() - 1
    return f" (and {others} more)" if others else ""

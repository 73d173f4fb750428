"""The nodes that draw splits, fit estimators on each, measure their answers and report them."""

import logging

import pandas as pd

from selfsame.learning.estimators.measuring import Summary, summarise_estimators
from selfsame.pipelines.estimation.params import EstimationParameters
from selfsame.shards.arrays import ShardedArrays

logger = logging.getLogger(__name__)


def draw_capture_splits(index: pd.DataFrame, parameters: EstimationParameters, seed: int) -> pd.DataFrame:
    """Split the captures that take part at random: one row a split and capture, `train` or `test`."""
    from selfsame.learning.estimators.trials import draw_splits, select_captures

    chosen = select_captures(index, parameters.captures.first, parameters.captures.last)
    logger.info(
        "estimation: %d captures of %d people take part in %d splits",
        len(chosen),
        chosen["subject_id"].nunique(),
        parameters.splits,
    )
    return draw_splits(
        chosen, splits=parameters.splits, training_captures=parameters.training_captures, seed=seed
    )


def fit_estimators(
    arrays: ShardedArrays,
    index: pd.DataFrame,
    splits: pd.DataFrame,
    parameters: EstimationParameters,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fit every estimator on the training part of every split, and ask it about the test part.

    Returns:
        The answers and what they measure, see `try_estimators`.
    """
    from selfsame.learning.estimators.trials import gather_images, try_estimators

    ids, images = gather_images(arrays, index, splits)
    return try_estimators(images, ids, splits, parameters.list_candidates(), seed)


def summarise_splits(estimators: pd.DataFrame, answers: pd.DataFrame) -> Summary:
    """Average over the splits, with intervals, and list the captures that are most often misnamed."""
    return summarise_estimators(estimators, answers)


def report_estimators(summary: Summary, parameters: EstimationParameters, seed: int) -> tuple[str, object]:
    """Write the page about the estimators, and draw their accuracy by components: a matplotlib figure."""
    from selfsame.reporting.estimators import draw_components, render_estimators

    figure = draw_components(summary)
    settings = {"seed": seed, "estimation": parameters.model_dump(mode="json")}
    return render_estimators(summary, figure, settings=settings), figure

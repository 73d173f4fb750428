"""The nodes that embed captures, compare them, choose thresholds, and measure and report the error rates."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import pandas as pd

from selfsame.imaging.arrays import ShardedArrays
from selfsame.learning.checkpoint import Checkpoint
from selfsame.learning.modalities import sort_by_modality
from selfsame.matching.comparison import compare, tabulate_attempts, tabulate_scores
from selfsame.matching.trial import Trial, indexes_by_modality, set_up_trial
from selfsame.pipelines.evaluation.params import EvaluationParams

logger = logging.getLogger(__name__)


def embed(
    parameters: EvaluationParams, checkpoint: Checkpoint, *captures: ShardedArrays | pd.DataFrame
) -> pd.DataFrame:
    """Embed the captures of all modalities.

    Args:
        parameters: batch size and device.
        checkpoint: the trained recogniser.
        captures: for each modality of the checkpoint its arrays, and after all of them each one's index.

    Returns:
        The embeddings table: one row an acquired capture or synthetic impression, and which model made it.
    """
    from selfsame.learning.embedding import embed_all

    arrays, indexes = sort_by_modality(captures)
    embeddings = embed_all(
        checkpoint, arrays, indexes, batch_size=parameters.batch_size, device=parameters.device
    )
    logger.info("embedded %d captures of %d modalities", len(embeddings), len(arrays))
    return embeddings


def compare_captures(
    checkpoint: Checkpoint, embeddings: pd.DataFrame, *indexes: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare the probes of every figure with its references: scores, attempts and failures."""
    trial = _lay_out(checkpoint, embeddings, indexes)
    weights = checkpoint.fusion_weights
    compared = {figure: compare(figure, trial.probes, trial.references, weights) for figure in trial.figures}
    return tabulate_scores(compared), tabulate_attempts(compared)


def choose_thresholds(
    parameters: EvaluationParams,
    seed: int,
    checkpoint: Checkpoint,
    embeddings: pd.DataFrame,
    *indexes: pd.DataFrame,
) -> dict[str, dict[str, object]]:
    """Choose the threshold of every set of modalities, named `iris_left+fingerprint`, at the stated FMR."""
    from selfsame.reporting.measurement import Resampling
    from selfsame.reporting.thresholds import choose_operating_points

    points = choose_operating_points(
        _lay_out(checkpoint, embeddings, indexes),
        checkpoint.fusion_weights,
        parameters.operating_fmr,
        Resampling(parameters.resamples, seed),
        model_version=checkpoint.version,
    )
    return {name: point.model_dump(mode="json") for name, point in points.items()}


def classify(checkpoint: Checkpoint, embeddings: pd.DataFrame, *indexes: pd.DataFrame) -> pd.DataFrame:
    """Name a training subject for every presentation of a closed set; otherwise give an empty table."""
    from selfsame.reporting.naming import name_presentations

    return name_presentations(checkpoint, _lay_out(checkpoint, embeddings, indexes), embeddings)


def measure(
    parameters: EvaluationParams,
    seed: int,
    checkpoint: Checkpoint,
    scores: pd.DataFrame,
    attempts: pd.DataFrame,
    named: pd.DataFrame,
    *indexes: pd.DataFrame,
) -> dict[str, object]:
    """Measure every figure, with intervals: the content of metrics.json (see reporting/results.py)."""
    from selfsame.reporting.measurement import Resampling
    from selfsame.reporting.summary import measure_all

    metrics = measure_all(
        scores,
        attempts,
        named,
        indexes_by_modality(indexes),
        model_version=checkpoint.version,
        fusion_weights=checkpoint.fusion_weights,
        fmrs=parameters.fmrs,
        ranks_shown=parameters.ranks_shown,
        resampling=Resampling(parameters.resamples, seed),
    )
    for name, result in metrics.verification.items():
        logger.info("%s: EER %.2f %% of %d mated comparisons", name, result.eer * 100, result.mated)
    if metrics.left_out:
        reasons = [f"{name} ({figure.reason})" for name, figure in metrics.left_out.items()]
        logger.warning("figures without error rates: %s", "; ".join(reasons))
    return metrics.model_dump(mode="json")


def report(
    parameters: EvaluationParams,
    seed: int,
    checkpoint: Checkpoint,
    metrics: Mapping[str, object],
    scores: pd.DataFrame,
    history: pd.DataFrame,
) -> dict[str, object]:
    """Draw the plots and write the report.

    Returns:
        `report` (HTML) and the matplotlib figures `det`, `roc`, `cmc`, `score_histograms`, `confusion`.
    """
    from selfsame.learning.history import draw_history
    from selfsame.reporting.plots import draw_all
    from selfsame.reporting.report import CAPTIONS, render_report
    from selfsame.reporting.results import Metrics

    results = Metrics.model_validate(metrics)
    plots = draw_all(scores, results)
    shown = {**plots, "history": draw_history(history)}
    html = render_report(
        results,
        {CAPTIONS[name]: figure for name, figure in shown.items()},
        settings={"seed": seed, "evaluation": parameters.model_dump(), "design": asdict(checkpoint.design)},
        origin={"model": checkpoint.version, **asdict(checkpoint.origin), "epoch": checkpoint.epoch},
    )
    return {"report": html, **plots}


def _lay_out(checkpoint: Checkpoint, embeddings: pd.DataFrame, indexes: Sequence[pd.DataFrame]) -> Trial:
    from selfsame.learning.prediction import require_same_model

    require_same_model(checkpoint, "the embeddings", embeddings["model_version"])
    return set_up_trial(indexes_by_modality(indexes), embeddings)

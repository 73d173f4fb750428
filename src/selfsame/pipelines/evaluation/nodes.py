"""The nodes that compare captures under every protocol, choose thresholds, and measure and report errors."""

import logging
from collections.abc import Callable, Mapping
from functools import partial

import pandas as pd

from selfsame.pipelines.evaluation.params import EvaluationParams

logger = logging.getLogger(__name__)


def compare_captures(
    parameters: EvaluationParams,
    seed: int,
    manifest: pd.DataFrame,
    assignments: pd.DataFrame,
    *tables: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Compare everything that the protocols mean to compare, by every comparator and fusion rule.

    Args:
        parameters: the protocols and how scores are fused.
        seed: of the groups of the cross-fitting.
        manifest: the captures.
        assignments: their roles and splits under every protocol and fold.
        tables: the index of each modality and the scores of pairs of captures.

    Returns:
        The trials, the scores, how many comparisons were attempted and failed, and how each fusion compares
        with its best member.
    """
    from selfsame.matching.compared import compare_all
    from selfsame.matching.folds import gather_evidence
    from selfsame.protocols.leaks import require_no_leak

    require_no_leak(assignments, manifest)
    logger.info("comparing under %s", ", ".join(parameters.protocols))
    compared = compare_all(
        gather_evidence(assignments, tables, parameters.fusion.quality),
        parameters.protocols,
        parameters.fusion.to_domain(seed),
        parameters.resamples,
    )
    return compared.trials, compared.scores, compared.attempts, compared.verdicts


def choose_thresholds(
    parameters: EvaluationParams,
    seed: int,
    manifest: pd.DataFrame,
    assignments: pd.DataFrame,
    *tables: pd.DataFrame,
) -> dict[str, object]:
    """Fit the chosen fusion rule, and choose the threshold of every set of modalities at the stated FMR.

    The protocol is that of the manifest, which the deployed network was trained under.
    """
    from selfsame.evaluation.measurement import Resampling
    from selfsame.evaluation.thresholds import choose_operating_points
    from selfsame.matching.folds import gather_evidence
    from selfsame.matching.protocol import protocol_kind
    from selfsame.protocols.leaks import require_no_leak

    require_no_leak(assignments, manifest)
    chosen = choose_operating_points(
        gather_evidence(assignments, tables, parameters.fusion.quality),
        protocol_kind([manifest]),
        parameters.fusion.to_domain(seed),
        parameters.fusion.rule,
        parameters.operating_fmr,
        Resampling(parameters.resamples, seed),
    )
    return chosen.model_dump(mode="json")


def measure(
    parameters: EvaluationParams,
    seed: int,
    model: Mapping[str, object],
    manifest: pd.DataFrame,
    scores: pd.DataFrame,
    attempts: pd.DataFrame,
    verdicts: pd.DataFrame,
    named: pd.DataFrame,
    assignments: pd.DataFrame,
    *indexes: pd.DataFrame,
) -> dict[str, object]:
    """Measure every figure, with intervals: the content of metrics.json (see evaluation/results.py)."""
    from selfsame.evaluation.details import Closer
    from selfsame.evaluation.measurement import Resampling
    from selfsame.evaluation.summary import Asked, Tables, measure_all

    asked = Asked(
        fmrs=parameters.fmrs,
        fpirs=parameters.fpirs,
        ranks_shown=parameters.ranks_shown,
        resampling=Resampling(parameters.resamples, seed),
        chosen=parameters.fusion.chosen,
        fusion=parameters.fusion.rule,
        closer=Closer(**parameters.details.model_dump(), fmr=parameters.fmrs[0]),
    )
    tables = Tables(scores, attempts, verdicts, named)
    return measure_all(tables, manifest, assignments, indexes, model, asked).model_dump(mode="json")


def report(
    parameters: EvaluationParams,
    seed: int,
    model: Mapping[str, object],
    metrics: Mapping[str, object],
    scores: pd.DataFrame,
    history: pd.DataFrame,
) -> dict[str, object]:
    """Draw the plots and write the report.

    Returns:
        `report` (HTML) and the matplotlib figures, by the names of `draw_all`.
    """
    from selfsame.evaluation.results import Metrics
    from selfsame.learning.training.history import draw_history
    from selfsame.reporting.plots import draw_all
    from selfsame.reporting.report import render_report

    results = Metrics.model_validate(metrics)
    plots = draw_all(scores, results)
    shown = {**plots, "history": draw_history(history)} if len(history) else plots
    page = render_report(
        results,
        shown,
        calibration=parameters.fusion.settings.calibration,
        settings={"seed": seed, "evaluation": parameters.model_dump(), **model},
        origin=model,
    )
    return {"report": page, **plots}


def export_scores(scores: pd.DataFrame) -> dict[str, Callable[[], str]]:
    """Write scores as plain text, a file for each protocol, figure and comparator.

    A line is `<claimed subject> <true subject> <probe> <score>`, the four columns that biometric tools share.

    Returns:
        For each name, such as `closed_set/iris_left/iris_code`, what makes the text when it is saved.
    """
    from selfsame.matching.export import write_four_columns

    groups = scores.groupby(["protocol", "figure", "comparator"], sort=False)
    return {"/".join(map(str, key)): partial(write_four_columns, rows) for key, rows in groups}

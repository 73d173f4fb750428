"""Protocols and scores of pairs → scores under every protocol, thresholds, metrics, plots, report, export."""

from collections.abc import Sequence

from kedro.pipeline import Node, Pipeline

from selfsame.pipelines.evaluation.nodes import (
    choose_thresholds,
    compare_captures,
    export_scores,
    measure,
    report,
)

PLOTS = ("det", "roc", "cmc", "score_histograms", "confusion", "error_versus_discard", "open_set")


def create_pipeline(modalities: Sequence[str]) -> Pipeline:
    """Build the evaluation of a workload with these modalities."""
    indexes = [f"{modality}.index" for modality in modalities]
    settings = ["params:evaluation", "params:seed"]
    compared = ["manifest", "assignments", *indexes, "learnt_scores"]
    compared += [f"{modality}.pair_scores" for modality in modalities]
    measured = ["scores", "attempts", "verdicts", "named", "assignments", *indexes]
    return Pipeline(
        [
            Node(
                compare_captures,
                [*settings, *compared],
                ["trials", "scores", "attempts", "verdicts"],
                name="compare_captures",
            ),
            Node(choose_thresholds, [*settings, *compared], "operating_points", name="choose_thresholds"),
            Node(measure, [*settings, "model", "manifest", *measured], "metrics", name="measure"),
            Node(
                report,
                [*settings, "model", "metrics", "scores", "history"],
                {name: name for name in ("report", *PLOTS)},
                name="report",
            ),
            Node(export_scores, "scores", "exported_scores", name="export_scores"),
        ]
    )

"""Arrays, index and checkpoint → embeddings → scores, thresholds, metrics, plots and report."""

from collections.abc import Sequence

from kedro.pipeline import Node, Pipeline

from selfsame.pipelines.evaluation.nodes import (
    choose_thresholds,
    classify,
    compare_captures,
    embed,
    measure,
    report,
)


def create_pipeline(modalities: Sequence[str]) -> Pipeline:
    """Build the evaluation of a workload with these modalities."""
    arrays = [f"{modality}.arrays" for modality in modalities]
    indexes = [f"{modality}.index" for modality in modalities]
    settings = ["params:evaluation", "params:seed", "checkpoint"]
    plots = ("det", "roc", "cmc", "score_histograms", "confusion")
    return Pipeline(
        [
            Node(embed, ["params:evaluation", "checkpoint", *arrays, *indexes], "embeddings", name="embed"),
            Node(
                compare_captures,
                ["checkpoint", "embeddings", *indexes],
                ["scores", "attempts"],
                name="compare_captures",
            ),
            Node(
                choose_thresholds,
                [*settings, "embeddings", *indexes],
                "operating_points",
                name="choose_thresholds",
            ),
            Node(classify, ["checkpoint", "embeddings", *indexes], "named", name="classify"),
            Node(measure, [*settings, "scores", "attempts", "named", *indexes], "metrics", name="measure"),
            Node(
                report,
                [*settings, "metrics", "scores", "history"],
                {name: name for name in ("report", *plots)},
                name="report",
            ),
        ]
    )

"""Arrays and index of one modality → random splits → answers of estimators → their measures and report.

What is fitted carries the tag `training`, what is measured the tag `evaluation`: the stages of a workload.
"""

from kedro.pipeline import Node, Pipeline

from selfsame.pipelines.estimation.nodes import (
    draw_capture_splits,
    fit_estimators,
    report_estimators,
    summarise_splits,
)


def create_pipeline(modality: str) -> Pipeline:
    """Build the estimation of one modality of a workload."""
    index = f"{modality}.index"
    return Pipeline(
        [
            Node(
                draw_capture_splits,
                [index, "params:estimation", "params:seed"],
                "estimator_splits",
                name="draw_capture_splits",
                tags="training",
            ),
            Node(
                fit_estimators,
                [f"{modality}.arrays", index, "estimator_splits", "params:estimation", "params:seed"],
                ["estimator_answers", "estimators"],
                name="fit_estimators",
                tags="training",
            ),
            Node(
                summarise_splits,
                ["estimators", "estimator_answers"],
                "estimator_summary",
                name="summarise_splits",
                tags="evaluation",
            ),
            Node(
                report_estimators,
                ["estimator_summary", "params:estimation", "params:seed"],
                ["estimator_report", "components"],
                name="report_estimators",
                tags="evaluation",
            ),
        ]
    )

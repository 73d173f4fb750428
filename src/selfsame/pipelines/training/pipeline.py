"""Arrays and indexes of a workload's modalities → checkpoints, history and summary."""

from kedro.pipeline import Node, Pipeline

from selfsame.pipelines.training.nodes import cross_validate, fit_recogniser, plot_history


def create_pipeline(modalities: tuple[str, ...]) -> Pipeline:
    """Build the training pipeline of a workload.

    Args:
        modalities: the workload's modalities, in the order of the fusion.
    """
    pixels = [f"{modality}.{part}" for modality in modalities for part in ("arrays", "index")]
    return Pipeline(
        [
            Node(
                fit_recogniser,
                inputs=["params:training", "params:seed", "training_workspace", *pixels],
                outputs=["checkpoint", "last_checkpoint", "history", "training_summary"],
                name="fit_recogniser",
            ),
            Node(
                cross_validate,
                inputs=[
                    "params:training",
                    "params:cross_validation",
                    "params:seed",
                    "folds_workspace",
                    "assignments",
                    *pixels,
                ],
                outputs="fold_embeddings",
                name="cross_validate",
            ),
            Node(plot_history, inputs="history", outputs="history_plot", name="plot_history"),
        ]
    )

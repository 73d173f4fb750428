"""Manifest, captures, arrays and indexes → tables of speeds, what follows from them, and their plot.

Run it with the sequential runner, as `kedro run` does: nodes side by side would slow each other down.
"""

from kedro.pipeline import Node, Pipeline

from selfsame.pipelines.benchmark.nodes import report_speeds, time_batches, time_captures


def of_modality() -> Pipeline:
    """Build the timing of the preprocessing of one modality."""
    return Pipeline(
        [
            Node(
                time_captures,
                ["manifest", "captures", "params:preprocessing", "params:benchmark", "params:seed"],
                "preprocessing_speeds",
                name="time_captures",
            )
        ]
    )


def create_pipeline(modalities: tuple[str, ...], *, trained: bool) -> Pipeline:
    """Build the timing of the loading of a workload, and the report on it and on the preprocessing.

    Args:
        modalities: the workload's modalities, in the order of the fusion.
        trained: whether there is a training that loads batches.
    """
    pixels = [f"{modality}.{part}" for modality in modalities for part in ("arrays", "index")]
    timing = Node(
        time_batches,
        ["params:benchmark", "params:seed", *pixels],
        "loading_speeds",
        name="time_batches",
    )
    speeds = [f"{modality}.preprocessing_speeds" for modality in modalities] + ["loading_speeds"] * trained
    report = Node(report_speeds, speeds, ["benchmark", "benchmark_plot"], name="report_speeds")
    return Pipeline([timing, report] if trained else [report])

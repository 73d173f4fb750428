"""Manifest and captures → arrays, index and timings of one modality."""

from kedro.pipeline import Node, Pipeline

from selfsame.pipelines.preprocessing.nodes import index_arrays, normalise_captures


def create_pipeline() -> Pipeline:
    """Build the pipeline of one modality.

    `made_shards` is what the folder of `arrays` holds before the run. The index is written last: it says that
    the arrays are complete.
    """
    return Pipeline(
        [
            Node(
                normalise_captures,
                inputs=["manifest", "captures", "made_shards", "params:preprocessing", "params:seed"],
                outputs="arrays",
                name="normalise_captures",
            ),
            Node(
                index_arrays,
                inputs=["arrays", "manifest", "params:preprocessing"],
                outputs=["index", "timings"],
                name="index_arrays",
            ),
        ]
    )

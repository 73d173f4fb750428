"""Parameters → captures and new captures."""

from kedro.pipeline import Node, Pipeline

from selfsame.pipelines.synthesis.nodes import synthesise_captures


def create_pipeline() -> Pipeline:
    """Build the pipeline: one node, which writes the datasets that data engineering and inference read."""
    return Pipeline(
        [
            Node(
                synthesise_captures,
                inputs=["params:synthesis", "params:seed"],
                outputs=["captures", "new_captures"],
                name="synthesise_captures",
            )
        ]
    )

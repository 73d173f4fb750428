"""Parameters → captures, which data engineering reads, and new captures, which inference reads."""

from kedro.pipeline import Node, Pipeline

from selfsame.pipelines.synthesis.nodes import synthesise_captures, synthesise_presentations


def create_pipeline() -> Pipeline:
    """Build the pipeline; the new captures are those of the namespace `new`, as in inference."""
    sample = Node(
        synthesise_captures,
        inputs=["params:synthesis", "params:seed"],
        outputs="captures",
        name="synthesise_captures",
    )
    presentations = Node(
        synthesise_presentations,
        inputs=["params:synthesis", "params:seed"],
        outputs="captures",
        name="synthesise_presentations",
    )
    shared = {"params:synthesis", "params:seed"}
    return Pipeline([sample]) + Pipeline([presentations], namespace="new", parameters=shared)

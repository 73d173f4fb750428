"""Parameters → captures, which data engineering reads, and new captures, which inference reads."""

from collections.abc import Sequence

from kedro.pipeline import Node, Pipeline

from selfsame.pipelines.synthesis.nodes import (
    synthesise_captures,
    synthesise_faces,
    synthesise_new_faces,
    synthesise_presentations,
)

FACES = ("face",)


def create_pipeline(modalities: Sequence[str]) -> Pipeline:
    """Build the pipeline; the new captures are those of the namespace `new`, as in inference.

    Args:
        modalities: of the workload: faces, or irises and fingerprints.
    """
    faces = tuple(modalities) == FACES
    sample = Node(
        synthesise_faces if faces else synthesise_captures,
        inputs=["params:synthesis", "params:seed"],
        outputs="captures",
        name="synthesise_captures",
    )
    presentations = Node(
        synthesise_new_faces if faces else synthesise_presentations,
        inputs=["params:synthesis", "params:seed"],
        outputs="captures",
        name="synthesise_presentations",
    )
    shared = {"params:synthesis", "params:seed"}
    return Pipeline([sample]) + Pipeline([presentations], namespace="new", parameters=shared)

"""The graph of data engineering."""

from kedro.pipeline import Node, Pipeline

from selfsame.pipelines.data_engineering.nodes import (
    scan_captures,
    sift_captures,
    split_captures,
    summarise_captures,
)


def create_pipeline() -> Pipeline:
    """Link captures to the manifest, the assignments, the rejected files and their summary."""
    return Pipeline(
        [
            Node(
                scan_captures,
                inputs=["captures", "params:layout", "params:layouts", "params:data_engineering"],
                outputs=["candidates", "refused"],
                name="scan_captures",
            ),
            Node(
                sift_captures,
                inputs=["candidates", "refused"],
                outputs=["distinct_captures", "rejected"],
                name="sift_captures",
            ),
            Node(
                split_captures,
                inputs=["distinct_captures", "rejected", "params:data_engineering", "params:seed"],
                outputs=["manifest", "assignments"],
                name="split_captures",
            ),
            Node(
                summarise_captures,
                inputs=["manifest", "rejected"],
                outputs="capture_summary",
                name="summarise_captures",
            ),
        ]
    )

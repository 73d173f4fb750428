"""Arrays and index of one modality → templates by each comparator → scores of the pairs of captures."""

from kedro.pipeline import Node, Pipeline

from selfsame.pipelines.comparison.nodes import (
    compare_pairs,
    encode_captures,
    encode_new,
    fit_comparators,
)


def create_pipeline() -> Pipeline:
    """Build the comparison of one modality."""
    return Pipeline(
        [
            Node(
                fit_comparators,
                inputs=["params:comparison", "arrays", "index", "assignments"],
                outputs="fitted_comparators",
                name="fit_comparators",
            ),
            Node(
                encode_captures,
                inputs=["params:comparison", "fitted_comparators", "arrays", "index"],
                outputs="templates",
                name="encode_captures",
            ),
            Node(
                compare_pairs,
                inputs=["params:comparison", "templates"],
                outputs="pair_scores",
                name="compare_pairs",
            ),
        ]
    )


def for_new_captures(modality: str) -> Pipeline:
    """Build what makes templates of new captures of a modality, with what was fitted on those known.

    It has no namespace of its own: Kedro-Viz draws no layers where what is made of known captures leads into
    the namespace that new captures come out of.
    """
    fitted = [f"params:{modality}.comparison", f"{modality}.fitted_comparators", "operating_points"]
    return Pipeline(
        [
            Node(
                encode_new,
                inputs=[*fitted, f"new.{modality}.arrays", f"new.{modality}.index"],
                outputs=f"new.{modality}.templates",
                name=f"encode_new_{modality}",
            )
        ]
    )

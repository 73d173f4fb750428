"""New captures, checkpoint, enrolled references and thresholds → predictions."""

from kedro.pipeline import Node, Pipeline

from selfsame.pipelines.data_engineering.pipeline import create_pipeline as survey_captures
from selfsame.pipelines.inference.nodes import list_new_captures, predict_identities
from selfsame.pipelines.preprocessing.pipeline import create_pipeline as preprocess


def create_pipeline(modalities: tuple[str, ...]) -> Pipeline:
    """Build the inference of a workload: the same scan and the same preprocessing as in training, in `new`.

    Args:
        modalities: the workload's modalities, in the order of the fusion.
    """
    arrays = [f"new.{modality}.arrays" for modality in modalities]
    indexes = [f"new.{modality}.index" for modality in modalities]
    survey = Pipeline(
        [
            *survey_captures().only_nodes("scan_captures", "sift_captures").nodes,
            Node(list_new_captures, ["distinct_captures", "rejected"], "manifest", name="list_new_captures"),
        ],
        namespace="new",
        parameters={"params:layout", "params:layouts", "params:data_engineering"},
    )
    answer = Node(
        predict_identities,
        [
            "params:inference",
            "checkpoint",
            "embeddings",
            "operating_points",
            "new.manifest",
            "new.rejected",
            *arrays,
            *indexes,
        ],
        ["predictions", "prediction_summary"],
        name="predict_identities",
    )
    return sum((_preprocess_new(modality) for modality in modalities), survey) + Pipeline([answer])


def _preprocess_new(modality: str) -> Pipeline:
    return Pipeline(
        preprocess(),
        namespace=f"new.{modality}",
        inputs={"manifest": "new.manifest", "captures": "new.captures"},
        parameters={"params:seed": "params:seed", "params:preprocessing": f"params:{modality}.preprocessing"},
    )

"""New captures, enrolled templates, fusion and thresholds → predictions."""

from kedro.pipeline import Node, Pipeline

from selfsame.pipelines.comparison.pipeline import for_new_captures as encode
from selfsame.pipelines.data_engineering.pipeline import create_pipeline as survey_captures
from selfsame.pipelines.embedding.pipeline import for_new_captures as embed
from selfsame.pipelines.inference.nodes import list_new_captures, predict_identities
from selfsame.pipelines.preprocessing.pipeline import create_pipeline as preprocess


def create_pipeline(modalities: tuple[str, ...], *, trained: bool) -> Pipeline:
    """Build the inference of a workload: the same scan and the same preprocessing as in training, in `new`.

    Args:
        modalities: the workload's modalities, in the order of the fusion.
        trained: whether there is a trained network whose embeddings may be compared, too.
    """
    enrolled = [f"{modality}.templates" for modality in modalities] + ["learnt_templates"] * trained
    fresh = [f"new.{modality}.templates" for modality in modalities] + ["new.learnt_templates"] * trained
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
        ["params:inference", "operating_points", "new.manifest", "new.rejected", *enrolled, *fresh, *indexes],
        ["predictions", "prediction_summary"],
        name="predict_identities",
    )
    parts = [part for modality in modalities for part in (_preprocess_new(modality), encode(modality))]
    embedding = embed(modalities) if trained else Pipeline([])
    return sum(parts, survey) + embedding + Pipeline([answer])


def _preprocess_new(modality: str) -> Pipeline:
    return Pipeline(
        preprocess(),
        namespace=f"new.{modality}",
        inputs={"manifest": "new.manifest", "captures": "new.captures"},
        parameters={"params:seed": "params:seed", "params:preprocessing": f"params:{modality}.preprocessing"},
    )

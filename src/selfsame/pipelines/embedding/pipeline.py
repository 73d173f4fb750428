"""Arrays, indexes and checkpoint → embeddings, their scores, names and a description of the network."""

from collections.abc import Sequence

from kedro.pipeline import Node, Pipeline

from selfsame.pipelines.embedding.nodes import (
    classify,
    declare_no_network,
    describe_model,
    embed,
    embed_new,
    keep_templates,
    score_embeddings,
)


def create_pipeline(modalities: Sequence[str]) -> Pipeline:
    """Build the embedding of a workload that trains a network for these modalities."""
    arrays = [f"{modality}.arrays" for modality in modalities]
    indexes = [f"{modality}.index" for modality in modalities]
    given = ["params:evaluation", "checkpoint", "embeddings_workspace", *arrays, *indexes]
    embedded = ["checkpoint", "embeddings", "fold_embeddings", "assignments", *indexes]
    return Pipeline(
        [
            Node(embed, given, "embeddings", name="embed"),
            Node(score_embeddings, embedded, "learnt_scores", name="score_embeddings"),
            Node(classify, ["checkpoint", "embeddings", *indexes], "named", name="classify"),
            Node(describe_model, "checkpoint", "model", name="describe_model"),
        ]
    )


def for_new_captures(modalities: Sequence[str]) -> Pipeline:
    """Build what makes templates of new captures by the network, and of those that were embedded already."""
    fresh = [f"new.{modality}.{part}" for part in ("arrays", "index") for modality in modalities]
    given = ["params:evaluation", "checkpoint", "new.embeddings_workspace", *fresh]
    return Pipeline(
        [
            Node(embed_new, given, "new.learnt_templates", name="embed_new"),
            Node(keep_templates, "embeddings", "learnt_templates", name="keep_templates"),
        ]
    )


def without_network() -> Pipeline:
    """Build what takes the place of the embedding in a workload that trains nothing."""
    missing = ["learnt_scores", "named", "model", "history"]
    return Pipeline([Node(declare_no_network, None, missing, name="declare_no_network")])

"""The nodes that ask the trained network: embeddings, their scores, whom it names."""

import logging
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from selfsame.learning.checkpoint import Checkpoint, require_same_model
from selfsame.learning.training.modalities import sort_by_modality
from selfsame.matching.protocol import protocol_kind
from selfsame.matching.trial import indexes_by_modality
from selfsame.pipelines.evaluation.params import EvaluationParams
from selfsame.shards.arrays import ShardedArrays

logger = logging.getLogger(__name__)


def embed(
    parameters: EvaluationParams,
    checkpoint: Checkpoint,
    workspace: Path,
    *captures: ShardedArrays | pd.DataFrame,
) -> pd.DataFrame:
    """Embed the captures of all modalities; an interrupted run goes on where it was.

    Args:
        parameters: batch size and device.
        checkpoint: the trained recogniser.
        workspace: the folder for the embeddings of every shard.
        captures: for each modality of the checkpoint its arrays, and after all of them each one's index.

    Returns:
        The embeddings table: one row an acquired capture or synthetic impression, and which model made it.
    """
    from selfsame.learning.embedding.captures import embed_all
    from selfsame.learning.embedding.parts import EmbeddingParts

    arrays, indexes = sort_by_modality(captures)
    embeddings = embed_all(
        checkpoint,
        arrays,
        indexes,
        batch_size=parameters.batch_size,
        device=parameters.device,
        parts=EmbeddingParts(workspace),
    )
    logger.info("embedded %d captures of %d modalities", len(embeddings), len(arrays))
    return embeddings


def embed_new(
    parameters: EvaluationParams,
    checkpoint: Checkpoint,
    workspace: Path,
    *captures: ShardedArrays | pd.DataFrame,
) -> pd.DataFrame:
    """Embed new captures, whoever they show; of modalities that the network does not know it makes nothing.

    An interrupted run goes on where it was.

    Returns:
        The table of their templates.
    """
    from selfsame.learning.embedding.pairs import embed_unknown
    from selfsame.learning.embedding.parts import EmbeddingParts

    return embed_unknown(
        checkpoint,
        *sort_by_modality(captures),
        batch_size=parameters.batch_size,
        device=parameters.device,
        parts=EmbeddingParts(workspace),
    )


def keep_templates(embeddings: pd.DataFrame) -> pd.DataFrame:
    """Keep the embeddings of the deployed network as templates, beside those of other comparators."""
    from selfsame.learning.embedding.pairs import tabulate_embeddings

    return tabulate_embeddings(embeddings)


def score_embeddings(
    checkpoint: Checkpoint,
    embeddings: pd.DataFrame,
    fold_embeddings: pd.DataFrame,
    assignments: pd.DataFrame,
    *indexes: pd.DataFrame,
) -> pd.DataFrame:
    """Compare every pair of captures of the same instance by the cosine of their embeddings."""
    from selfsame.learning.embedding.cross_validation import require_same_folds
    from selfsame.learning.embedding.pairs import compare_embeddings

    require_same_model(checkpoint, "the embeddings", embeddings["model_version"])
    by_modality = indexes_by_modality(indexes)
    require_same_folds(fold_embeddings, by_modality, assignments)
    return compare_embeddings(checkpoint, embeddings, fold_embeddings, protocol_kind(by_modality.values()))


def classify(checkpoint: Checkpoint, embeddings: pd.DataFrame, *indexes: pd.DataFrame) -> pd.DataFrame:
    """Name a training subject for every presentation of a closed set; otherwise give an empty table."""
    from selfsame.evaluation.naming import name_presentations
    from selfsame.matching.trial import set_up_trial

    return name_presentations(checkpoint, set_up_trial(indexes_by_modality(indexes)), embeddings)


def describe_model(checkpoint: Checkpoint) -> dict[str, object]:
    """Say which network it is: version, design, origin, weights of the fusion."""
    return {
        "model_version": checkpoint.version,
        "fusion_weights": {name: float(weight) for name, weight in checkpoint.fusion_weights.items()},
        "epoch": checkpoint.epoch,
        "design": asdict(checkpoint.design),
        "origin": asdict(checkpoint.origin),
    }


def declare_no_network() -> tuple[pd.DataFrame, pd.DataFrame, dict[str, object], pd.DataFrame]:
    """Stand in for the network where a workload trains none: no scores, no names, no version, no history."""
    from selfsame.evaluation.naming import NAMED_COLUMNS
    from selfsame.learning.embedding.pairs import LEARNT_COLUMNS
    from selfsame.learning.training.history import COLUMNS

    model: dict[str, object] = {"model_version": None, "fusion_weights": {}}
    scores, named, history = (
        pd.DataFrame({name: pd.Series(dtype="object") for name in names})
        for names in (LEARNT_COLUMNS, NAMED_COLUMNS, COLUMNS)
    )
    return scores, named, model, history

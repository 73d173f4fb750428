"""Closed-set classification of presentations from embeddings alone: which training subject is it?"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from selfsame.fusion.weighted import fuse_cosines
from selfsame.learning.checkpoint import Checkpoint
from selfsame.learning.recogniser import pick_subjects, tabulate_classes
from selfsame.learning.training.sampling import ABSENT


def classify_presentations(
    checkpoint: Checkpoint, embeddings: pd.DataFrame, presentations: Mapping[str, NDArray[np.int64]]
) -> NDArray[np.float32]:
    """Score presentations against the training subjects.

    Each capture is compared with the prototype of the same instance of every subject; the cosines are fused
    with the learnt weights over the modalities that the presentation shows and the subject has.

    Args:
        checkpoint: the trained recogniser.
        embeddings: the embeddings table, of one modality or of several.
        presentations: for each modality shown (n,) int64, positions in `embeddings`, -1 where absent.

    Returns:
        (n, subjects) float32 in [-1, 1], columns as `checkpoint.labels.subjects`, higher is more alike; -inf
        where a presentation and a subject share no modality.
    """
    n = len(next(iter(presentations.values())))
    modalities = [modality for modality in checkpoint.modalities if modality in presentations]
    shape = (n, len(checkpoint.labels.subjects), len(modalities))
    cosines = torch.zeros(shape)
    shared = torch.zeros(shape, dtype=torch.bool)
    for m, modality in enumerate(modalities):
        present = presentations[modality] != ABSENT
        if present.any():
            shown = embeddings.iloc[presentations[modality][present]]
            mask = torch.from_numpy(present)
            cosines[mask, :, m], shared[mask, :, m] = _compare(checkpoint, modality, shown)
    weights = torch.tensor([checkpoint.fusion_weights[modality] for modality in modalities])
    return fuse_cosines(cosines, shared, weights).numpy()


def _compare(checkpoint: Checkpoint, modality: str, shown: pd.DataFrame) -> tuple[torch.Tensor, torch.Tensor]:
    """Compare captures with the prototypes of the same instance of every subject."""
    encoder = checkpoint.design.encoder_of[modality]
    instances = tuple(sorted(set(shown["instance"])))
    table = tabulate_classes(checkpoint.labels, encoder, instances)
    column = torch.tensor([instances.index(instance) for instance in shown["instance"]])
    prototypes = torch.from_numpy(np.asarray(checkpoint.weights[f"prototypes.{encoder}"], dtype=np.float32))
    vectors = torch.from_numpy(np.stack(shown["embedding"].to_list()).astype(np.float32))
    cosines = vectors @ torch.nn.functional.normalize(prototypes).T
    return pick_subjects(cosines, table.T[column])

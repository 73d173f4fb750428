"""Small tables that look like those of a workload."""

import numpy as np
import pandas as pd
import pytest

from selfsame.matching.templates import Templates

INDEX_COLUMNS = [
    "capture_id",
    "impression",
    "subject_id",
    "modality",
    "instance",
    "capture_index",
    "role",
    "split",
    "protocol",
    "status",
    "reason",
]


def make_templates(rows, vectors=None):
    """Templates of (subject, instance) pairs with the given vectors, or all the same one."""
    vectors = np.tile(np.float32([1, 0]), (len(rows), 1)) if vectors is None else np.float32(vectors)
    subjects = np.array([subject for subject, _ in rows], dtype=str)
    instances = np.array([instance for _, instance in rows], dtype=str)
    return Templates(np.array([f"c{i}" for i in range(len(rows))], dtype=str), subjects, instances, vectors)


@pytest.fixture
def templates():
    return make_templates


def make_index(
    modality, captures, *, subjects=("a", "b", "c"), instances=("left",), references=(1,), impressions=0
):
    """An index of closed_set: listed captures are references, others and impressions are probes."""
    rows = []
    for subject in subjects:
        for instance in instances:
            for capture in range(1, captures + 1):
                for impression in range(impressions + 1):
                    probe = impression > 0 or capture not in references
                    rows.append((
                        f"{subject}{modality}{instance}{capture}", impression,
                        subject, modality, instance, capture,
                        "probe" if probe else "reference", "test" if probe else "train",
                        "closed_set", "ok", None,
                    ))  # fmt: skip
    return pd.DataFrame(rows, columns=INDEX_COLUMNS)


def make_embeddings(*indexes, seed=0, size=8, noise=0.3):
    """Unit vectors: one direction an instance of a subject, noise for each capture."""
    rng = np.random.default_rng(seed)
    table = pd.concat(indexes, ignore_index=True)
    table = table[table["status"] == "ok"].reset_index(drop=True)
    identity = table.groupby(["subject_id", "modality", "instance"]).ngroup().to_numpy()
    vectors = rng.normal(size=(identity.max() + 1, size))[identity] + noise * rng.normal(
        size=(len(table), size)
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return table.drop(columns=["protocol", "status", "reason"]).assign(
        embedding=list(vectors.astype(np.float32))
    )


@pytest.fixture
def index():
    return make_index


@pytest.fixture
def embeddings():
    return make_embeddings

"""Small tables that look like those of a workload."""

import numpy as np
import pandas as pd
import pytest

from selfsame.matching.comparators import compare_cosines
from selfsame.matching.pairs import compare_templates
from selfsame.matching.score_fusion.settings import Fusing, FusionSettings
from selfsame.matching.templates import Captures, tabulate_templates
from selfsame.protocols.assignment import assign_captures
from selfsame.protocols.splits import ListedReferences, SplitRules

INDEX_COLUMNS = [
    "capture_id", "impression", "subject_id", "modality", "instance", "capture_index", "role", "split",
    "protocol", "status", "reason", "shard", "row", "measures",
]  # fmt: skip
SETTINGS = FusionSettings(normalisation="z", weights="d_prime", calibration="logistic", prior=0.1, spread=1.0)


def make_captures(rows):
    """Captures of (subject, instance) pairs, named c0, c1, ..."""
    return Captures(
        np.array([f"c{i}" for i in range(len(rows))], dtype=str),
        np.array([subject for subject, _ in rows], dtype=str),
        np.array([instance for _, instance in rows], dtype=str),
    )


@pytest.fixture(scope="session")
def captures():
    return make_captures


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
                        f"{subject}_{modality}_{instance}_{capture}", impression,
                        subject, modality, instance, capture,
                        "probe" if probe else "reference", "test" if probe else "train",
                        "closed_set", "ok", None, modality, len(rows), '{"visible_share": 0.5}',
                    ))  # fmt: skip
    return pd.DataFrame(rows, columns=INDEX_COLUMNS)


def fail(index, *captures, reason="no_pupil"):
    """The index, where these captures could not be acquired."""
    failed = index["capture_id"].isin(captures)
    return index.assign(
        status=index["status"].mask(failed, "failed"), reason=index["reason"].mask(failed, reason)
    )


def make_assignments(*indexes, folds=2, unenrolled_share=0.34, references=(1,), seed=0):
    """Roles and splits of every capture under every protocol, as data engineering makes them."""
    captures = pd.concat([index[index["impression"] == 0] for index in indexes], ignore_index=True)
    rules = SplitRules(ListedReferences(references), 0.0, folds, unenrolled_share)
    return assign_captures(captures.drop(columns=["role", "split", "protocol"]), rules, seed)


def make_templates(*indexes, comparator="code", noise=0.3, size=8, seed=0, **kind):
    """Unit vectors for every acquired capture: one direction an instance of a subject, noise for each."""
    rng = np.random.default_rng(seed)
    table = pd.concat(indexes, ignore_index=True)
    table = table[table["status"] == "ok"].reset_index(drop=True)
    identity = table.groupby(["subject_id", "modality", "instance"]).ngroup().to_numpy()
    vectors = rng.normal(size=(identity.max() + 1, size))[identity]
    vectors = vectors + noise * rng.normal(size=vectors.shape)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return tabulate_templates(table, vectors, comparator=comparator, version="v1", settings="{}", **kind)


def make_pairs(index, **template):
    """The scores of all pairs of an index of one modality, by cosines."""
    return compare_templates(make_templates(index, **template), compare_cosines, workers=1)


def make_fusing(chosen, rules=("sum", "likelihood_ratio", "logistic", "quality"), groups=3):
    return Fusing(chosen, rules, groups, 0, SETTINGS)


@pytest.fixture(scope="session")
def index():
    return make_index


@pytest.fixture(scope="session")
def failed():
    return fail


@pytest.fixture(scope="session")
def assignments():
    return make_assignments


@pytest.fixture(scope="session")
def templates():
    return make_templates


@pytest.fixture(scope="session")
def pairs():
    return make_pairs


@pytest.fixture(scope="session")
def fusing():
    return make_fusing

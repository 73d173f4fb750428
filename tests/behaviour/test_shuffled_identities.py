"""If identities are shuffled, nothing may be recognised: whatever is better than chance is a leak."""

import numpy as np
import pandas as pd
import pytest

from selfsame.matching.comparison import compare, tabulate_attempts, tabulate_scores
from selfsame.matching.trial import indexes_by_modality, set_up_trial
from selfsame.reporting.measurement import Resampling
from selfsame.reporting.summary import measure_all

SUBJECTS = 30
WEIGHTS = {"iris_left": 0.5, "iris_right": 0.3, "fingerprint": 0.2}
LAYOUT = {  # modality: instances, captures, synthetic impressions
    "iris_left": (("left",), 5, 0),
    "iris_right": (("right",), 5, 0),
    "fingerprint": (("left_index", "left_thumb", "right_thumb"), 1, 2),
}


def lay_out(modality):
    instances, captures, impressions = LAYOUT[modality]
    rows = [
        (
            f"{modality}-{subject}-{instance}-{capture}",
            impression,
            f"{subject:03d}",
            modality,
            instance,
            capture,
        )
        for subject in range(SUBJECTS)
        for instance in instances
        for capture in range(1, captures + 1)
        for impression in range(impressions + 1)
    ]
    columns = ["capture_id", "impression", "subject_id", "modality", "instance", "capture_index"]
    index = pd.DataFrame(rows, columns=columns).assign(protocol="closed_set", status="ok", reason=None)
    probe = (index["impression"] > 0) | (index["capture_index"] > 3)
    index["role"] = np.where(probe, "probe", "reference")
    index["split"] = np.where(probe, "test", "train")
    return index


def embed(indexes, rng):
    """Embeddings of one direction an identity, so alike that true identities are never confused."""
    table = pd.concat(indexes, ignore_index=True)
    identity = table.groupby(["subject_id", "modality", "instance"]).ngroup().to_numpy()
    vectors = rng.normal(size=(identity.max() + 1, 64))[identity] + 0.1 * rng.normal(size=(len(table), 64))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return table.assign(embedding=list(vectors.astype(np.float32)))


def measure(embeddings, indexes, seed):
    trial = set_up_trial(indexes, embeddings)
    compared = {figure: compare(figure, trial.probes, trial.references, WEIGHTS) for figure in trial.figures}
    nobody = pd.DataFrame(columns=["figure", "subject_id", "named"])
    return measure_all(
        tabulate_scores(compared), tabulate_attempts(compared), nobody, indexes,
        model_version="none",
        fusion_weights=WEIGHTS, fmrs=(0.01,), ranks_shown=20, resampling=Resampling(500, seed),
    )  # fmt: skip


@pytest.fixture(scope="module")
def indexes():
    return indexes_by_modality([lay_out(modality) for modality in LAYOUT])


def test_true_identities_are_recognised(indexes):
    metrics = measure(embed(indexes.values(), np.random.default_rng(0)), indexes, seed=0)
    assert all(result.eer == 0 for result in metrics.verification.values())
    assert all(result.eer_interval == (0.0, 3 / SUBJECTS) for result in metrics.verification.values())
    assert all(result.rank_1 == 1 for result in metrics.identification.values())


def test_shuffled_identities_come_out_at_chance(indexes):
    inside, rank_1 = [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        embeddings = embed(indexes.values(), rng)
        embeddings["embedding"] = embeddings["embedding"].to_numpy()[rng.permutation(len(embeddings))]
        metrics = measure(embeddings, indexes, seed)
        for result in metrics.verification.values():
            assert result.eer == pytest.approx(0.5, abs=0.12)  # four standard deviations over subjects
            inside.append(result.eer_interval[0] <= 0.5 <= result.eer_interval[1])
        rank_1 += [result.rank_1 for result in metrics.identification.values()]
    assert np.mean(inside) >= 0.8  # 30 intervals of 95 %; a right one is below that in 0.1 % of runs
    assert np.mean(rank_1) == pytest.approx(1 / SUBJECTS, abs=0.03)


def test_shuffling_subjects_whole_changes_nothing_but_their_names(indexes):
    """New names that keep a subject's captures together are no shuffle: all are still recognised."""
    names = pd.Series(np.random.default_rng(1).permutation([f"{i:03d}" for i in range(SUBJECTS)]))
    renamed = {
        m: index.assign(subject_id=index["subject_id"].astype(int).map(names)) for m, index in indexes.items()
    }
    metrics = measure(embed(renamed.values(), np.random.default_rng(0)), renamed, seed=0)
    assert all(result.eer == 0 for result in metrics.verification.values())

"""If identities are shuffled, nothing may be recognised: whatever is better than chance is a leak."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from selfsame.evaluation.details import Closer
from selfsame.evaluation.measurement import Resampling
from selfsame.evaluation.summary import Asked, Tables, measure_all
from selfsame.matching.comparators import compare_cosines
from selfsame.matching.compared import compare_all
from selfsame.matching.folds import gather_evidence
from selfsame.matching.pairs import compare_templates
from selfsame.matching.score_fusion.settings import Fusing, FusionSettings
from selfsame.matching.templates import tabulate_templates
from selfsame.protocols.assignment import assign_captures
from selfsame.protocols.splits import ListedReferences, SplitRules

SUBJECTS = 30
PROTOCOLS = ("closed_set", "subject_disjoint", "open_set")
RULES = ("sum", "likelihood_ratio", "logistic", "quality")
LAYOUT = {  # modality: instances, captures, synthetic impressions
    "iris_left": (("left",), 4, 0),
    "fingerprint": (("left_index", "right_thumb"), 1, 1),
}
CHOSEN = dict.fromkeys(LAYOUT, "code")
SEEDS = range(3)


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
    quality = np.random.default_rng(0).uniform(size=len(rows))
    return pd.DataFrame(rows, columns=columns).assign(
        status="ok", reason=None, role="", split="", protocol="",
        measures=[f'{{"visible_share": {value}}}' for value in quality],
    )  # fmt: skip


def draw_templates(index, seed, *, shuffled):
    """Vectors so alike within an identity that true identities are never confused."""
    rng = np.random.default_rng(seed)
    identity = index.groupby(["subject_id", "instance"]).ngroup().to_numpy()
    vectors = rng.normal(size=(identity.max() + 1, 64))[identity] + 0.1 * rng.normal(size=(len(index), 64))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors[rng.permutation(len(index))] if shuffled else vectors


def score_pairs(index, seed, *, shuffled, **kind):
    vectors = draw_templates(index, seed, shuffled=shuffled).astype(np.float32)
    made = tabulate_templates(index, vectors, version="v", settings="{}", **kind)
    return compare_templates(made, compare_cosines, workers=1)


@cache
def measure(seed, *, shuffled, rename=()):
    """All protocols, comparators and fusion rules; identities are those of the templates, or shuffled."""
    names = dict(rename)
    indexes = [lay_out(modality) for modality in LAYOUT]
    indexes = [index.assign(subject_id=index["subject_id"].replace(names)) for index in indexes]
    captures = pd.concat([index[index["impression"] == 0] for index in indexes], ignore_index=True)
    given = captures.drop(columns=["role", "split", "protocol"])
    assignments = assign_captures(given, SplitRules(ListedReferences([1, 2]), 0.0, 2, 0.2), seed)
    tables = [score_pairs(index, seed, shuffled=shuffled, comparator="code") for index in indexes]
    for fold in ("closed_set", 0), ("subject_disjoint", 0), ("subject_disjoint", 1):
        kind = {"comparator": "cosine", "protocol": fold[0], "fold": fold[1], "shuffled": shuffled}
        learnt = [score_pairs(index, [seed, 7, fold[1]], **kind) for index in indexes]
        tables += [table.assign(weight=weight) for table, weight in zip(learnt, (0.7, 0.3), strict=True)]
    settings = FusionSettings(
        normalisation="z", weights="d_prime", calibration="logistic", prior=0.1, spread=1.0
    )
    compared = compare_all(
        gather_evidence(assignments, [*indexes, *tables], dict.fromkeys(LAYOUT, "visible_share")),
        PROTOCOLS, Fusing(CHOSEN, RULES, 3, seed, settings), 100,
    )  # fmt: skip
    nobody = pd.DataFrame(columns=["figure", "subject_id", "named"])
    manifest = captures.assign(
        **dict.fromkeys(("sharpness", "contrast", "focus", "foreground_share", "ridge_coherence"), 0.5)
    )
    return measure_all(
        Tables(compared.scores, compared.attempts, compared.verdicts, nobody),
        manifest, assignments, indexes, {"model_version": None, "fusion_weights": {}},
        Asked(
            fmrs=(0.01,), fpirs=(0.1,), ranks_shown=20, resampling=Resampling(200, seed), chosen=CHOSEN,
            fusion="logistic",
            closer=Closer("closed_set", 0.2, (), 5, 0, 0.01),
        ),
    )  # fmt: skip


def find(metrics, *, protocol=None, comparator=None):
    return [
        outcome
        for outcome in metrics.outcomes
        if protocol in (None, outcome.protocol) and comparator in (None, outcome.comparator)
    ]


def test_true_identities_are_recognised():
    metrics = measure(0, shuffled=False)
    assert len(metrics.outcomes) == (2 * 2 + 5) * 2 + (2 + 4)  # open_set has no network of its own
    assert all(outcome.verification.eer == 0 for outcome in metrics.outcomes)
    searched = [outcome for outcome in metrics.outcomes if outcome.protocol != "subject_disjoint"]
    assert all(outcome.identification.rank_1 == 1 for outcome in searched)
    strangers = find(metrics, protocol="open_set")
    assert all(outcome.open_set.fnir_at_fpir["0.1"].fnir == 0 for outcome in strangers)
    assert all(outcome.open_set.unenrolled == 0.2 * SUBJECTS for outcome in strangers)


@pytest.mark.parametrize("comparator", ["code", "cosine", "network", *RULES])
def test_shuffled_identities_come_out_at_chance(comparator):
    inside, rank_1 = [], []
    for seed in SEEDS:
        for outcome in find(measure(seed, shuffled=True), comparator=comparator):
            # Some hundred mated comparisons: four standard deviations of their share of errors.
            assert outcome.verification.eer == pytest.approx(0.5, abs=0.12)
            low, high = outcome.verification.eer_interval
            inside.append(low <= 0.5 <= high)
            if outcome.identification:
                rank_1.append(outcome.identification.rank_1)
    assert len(inside) >= 6
    assert np.mean(inside) >= 0.75
    assert np.mean(rank_1) == pytest.approx(1 / SUBJECTS, abs=0.05)


@pytest.mark.parametrize("comparator", ["code", "cosine", "network", *RULES])
def test_what_is_fitted_on_shuffled_identities_claims_no_evidence(comparator):
    """Cross-fitted likelihood ratios of nothing cost at least the one bit that knowing nothing costs."""
    costs = [
        outcome.calibration.cllr
        for seed in SEEDS
        for outcome in find(measure(seed, shuffled=True), comparator=comparator)
        if outcome.calibration
    ]
    assert len(costs) >= 6
    assert np.mean(costs) >= 0.9995  # the fit of a leak would cost less than knowing nothing
    assert max(costs) < 2


def test_shuffling_subjects_whole_changes_nothing_but_their_names():
    """New names that keep a subject's captures together are no shuffle: all are still recognised."""
    names = [f"{i:03d}" for i in range(SUBJECTS)]
    mixed = np.random.default_rng(1).permutation(names).tolist()
    metrics = measure(0, shuffled=False, rename=tuple(zip(names, mixed, strict=True)))
    assert all(outcome.verification.eer == 0 for outcome in metrics.outcomes)

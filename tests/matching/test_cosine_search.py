"""The search of galleries against a comparison with everybody."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfsame.matching.comparators import compare_cosines
from selfsame.matching.cosine_search import CosineSearch, rises
from selfsame.matching.prediction import predict
from selfsame.matching.templates import Captures

FUSIONS = {
    "as it is": lambda scores: scores[:, 0].astype(np.float64),
    "a logistic curve": lambda scores: 1 / (1 + np.exp(4 - 9 * scores[:, 0].astype(np.float64))),
    "two steps": lambda scores: np.floor(scores[:, 0].astype(np.float64) * 2),
    "a constant": lambda scores: 0 * scores[:, 0].astype(np.float64),
}


def round_first(fuse):
    """Cosines of products in float32 differ in the last bits from exact ones, where equal ones are meant."""
    return lambda scores: fuse(np.round(scores, 4))


def draw(rng, people, captures, fingers, *, width=6):
    """Captures of few distinct vectors, so that many are equally alike."""
    subjects = np.sort(rng.choice([f"s{i:02}" for i in range(people)], captures))
    instances = rng.choice([f"finger_{i}" for i in range(fingers)], captures)
    order = np.lexsort((instances, subjects))
    vectors = rng.integers(-1, 2, (captures, width)).astype(np.float32)
    vectors[:, 0] += 0.5
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = np.array([f"c{i}" for i in range(captures)])
    return Captures(names, subjects[order], instances[order]), vectors


def answer(probes, references, fuse, count, *, acquired, by_gallery):
    (shown, vectors), (kept, enrolled) = probes, references
    rows = np.where(acquired, np.arange(len(shown)), -1)

    def score(left, right):
        scores = compare_cosines(vectors[left], enrolled[right])
        return np.where(acquired[left, None], scores, np.float32(np.nan))

    search = CosineSearch.of(
        vectors, rows=rows, instances=shown.instances, enrolled=enrolled, fuse=fuse,
        owners=pd.DataFrame({"subject_id": kept.subjects, "instance": kept.instances}),
    )  # fmt: skip
    return predict(
        {"fingerprint": shown}, {"fingerprint": kept}, score={"fingerprint": score}, fuse=fuse,
        thresholds={"fingerprint": 0.5}, count=count, nearest=search.nearest if by_gallery else None,
    )  # fmt: skip


@given(
    st.integers(0, 2**32 - 1), st.sampled_from(list(FUSIONS)), st.integers(1, 12), st.integers(1, 80),
    st.integers(1, 3), st.integers(1, 9),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_a_gallery_names_whom_a_comparison_with_everybody_names(
    seed, fusion, people, enrolled, fingers, count
):
    rng = np.random.default_rng(seed)
    probes, references = draw(rng, 4, 9, fingers), draw(rng, people, enrolled, fingers)
    acquired = rng.random(9) < 0.8
    rounded = round_first(FUSIONS[fusion])
    tables = [
        answer(probes, references, rounded, count, acquired=acquired, by_gallery=by_gallery)
        for by_gallery in (True, False)
    ]
    pd.testing.assert_frame_equal(*tables, check_exact=True)


def test_fusions_that_rise_are_told_from_others():
    assert {name for name, fuse in FUSIONS.items() if rises(fuse)} == {"as it is", "a logistic curve"}
    assert not rises(lambda scores: np.clip(scores[:, 0], 0.7, 1))  # equal scores would be searched for long
    assert not rises(lambda scores: -scores[:, 0])
    assert not rises(lambda scores: np.cos(scores[:, 0]))


@pytest.mark.parametrize("held", [1, 7, 10**6])
def test_answers_do_not_depend_on_how_many_are_compared_at_once(monkeypatch, held):
    rng = np.random.default_rng(0)
    probes, references = draw(rng, 4, 9, 2), draw(rng, 5, 30, 2)
    given_ = {"acquired": np.arange(9) != 3, "by_gallery": False}
    fuse = round_first(FUSIONS["a logistic curve"])
    whole = answer(probes, references, fuse, 3, **given_)
    monkeypatch.setattr("selfsame.matching.prediction.SCORES_HELD", held)
    parts = answer(probes, references, fuse, 3, **given_)
    pd.testing.assert_frame_equal(parts, whole, check_exact=True)

"""The search of galleries against a comparison with everybody."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from selfsame.matching.comparators import compare_cosines
from selfsame.matching.identification.cosine_search import CosineSearch, rises
from selfsame.matching.identification.gallery_settings import GallerySettings
from selfsame.matching.identification.prediction import predict
from selfsame.matching.templates import Captures

PLAIN = GallerySettings(stored_as="float32", sketch=False, workers=1)
EXACT = [
    PLAIN.model_copy(update={"sketch": sketch, "workers": n}) for sketch in (False, True) for n in (1, 3)
]

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


def answer(probes, references, fuse, count, *, acquired, gallery):
    (shown, vectors), (kept, enrolled) = probes, references
    rows = np.where(acquired, np.arange(len(shown)), -1)

    def score(left, right):
        scores = compare_cosines(vectors[left], enrolled[right])
        return np.where(acquired[left, None], scores, np.float32(np.nan))

    nearest = gallery and CosineSearch.of(
        vectors, rows=rows, instances=shown.instances, enrolled=enrolled, fuse=fuse, settings=gallery,
        owners=pd.DataFrame({"subject_id": kept.subjects, "instance": kept.instances}),
    ).nearest  # fmt: skip
    return predict(
        {"fingerprint": shown}, {"fingerprint": kept}, score={"fingerprint": score}, fuse=fuse,
        thresholds={"fingerprint": 0.5}, count=count, nearest=nearest,
    )  # fmt: skip


@given(
    st.integers(0, 2**32 - 1), st.sampled_from(list(FUSIONS)), st.integers(1, 12), st.integers(1, 80),
    st.integers(1, 3), st.integers(1, 9), st.sampled_from(EXACT),
)  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_a_gallery_of_float32_names_whom_a_comparison_with_everybody_names(
    seed, fusion, people, enrolled, fingers, count, kept
):
    rng = np.random.default_rng(seed)
    probes, references = draw(rng, 4, 9, fingers), draw(rng, people, enrolled, fingers)
    acquired = rng.random(9) < 0.8
    rounded = round_first(FUSIONS[fusion])
    tables = [
        answer(probes, references, rounded, count, acquired=acquired, gallery=gallery)
        for gallery in (kept, None)
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
    given_ = {"acquired": np.arange(9) != 3, "gallery": None}
    fuse = round_first(FUSIONS["a logistic curve"])
    whole = answer(probes, references, fuse, 3, **given_)
    monkeypatch.setattr("selfsame.matching.identification.prediction.SCORES_HELD", held)
    parts = answer(probes, references, fuse, 3, **given_)
    pd.testing.assert_frame_equal(parts, whole, check_exact=True)


@pytest.mark.parametrize("stored_as", ["float16", "int8"])
def test_smaller_types_rank_by_rounded_scores(stored_as):
    rng = np.random.default_rng(1)
    probes, references = draw(rng, 4, 9, 1, width=24), draw(rng, 8, 40, 1, width=24)
    fuse, acquired = FUSIONS["as it is"], np.full(9, True)
    smaller = PLAIN.model_copy(update={"stored_as": stored_as})
    kept, whole = (
        answer(probes, references, fuse, 8, acquired=acquired, gallery=one) for one in (smaller, PLAIN)
    )
    bound = {"float16": 2**-11, "int8": 0.5 / 127 * np.sqrt(24)}[stored_as]
    gaps = np.abs(np.stack(kept["candidate_scores"]) - np.stack(whole["candidate_scores"]))
    assert 0 < gaps.max() < bound  # the ranks are those of the rounded scores
    assert kept["candidates"].map(set).tolist() == whole["candidates"].map(set).tolist()


def test_a_sketch_beside_int8_is_refused():
    with pytest.raises(ValidationError, match="expected sketch: false beside stored_as: int8"):
        GallerySettings(stored_as="int8", sketch=True, workers=1)

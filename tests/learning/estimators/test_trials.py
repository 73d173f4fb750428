import numpy as np
import pandas as pd
import pytest

from selfsame.errors import InputError
from selfsame.learning.estimators import trials
from selfsame.learning.estimators.trials import (
    Candidate,
    draw_splits,
    gather_images,
    select_captures,
    try_estimators,
)
from selfsame.shards.arrays import ShardedArrays


def draw(captures, **changes):
    return draw_splits(captures, **{"splits": 3, "training_captures": 4, "seed": 9} | changes)


def test_everybody_has_as_many_training_captures_as_asked_in_every_split(faces):
    splits = draw(faces[1])
    counts = splits.groupby(["split", "subject_id", "part"]).size().unstack()
    assert (counts["train"] == 4).all()
    assert (counts["test"] == 2).all()
    assert not splits.duplicated(["split", "capture_id"]).any()


def test_splits_differ_and_follow_from_the_seed(faces):
    splits = draw(faces[1])
    parts = splits.pivot_table(index="capture_id", columns="split", values="part", aggfunc="first")
    assert (parts[1] != parts[2]).any()
    pd.testing.assert_frame_equal(splits, draw(faces[1]))
    assert not splits["part"].equals(draw(faces[1], seed=10)["part"])


def test_neither_the_order_of_the_captures_nor_more_splits_change_a_split(faces):
    shuffled = faces[1].sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(draw(faces[1]), draw(shuffled))
    pd.testing.assert_frame_equal(draw(faces[1]), draw(faces[1], splits=5)[: 3 * 30])


def test_person_with_too_few_captures_is_named(faces):
    with pytest.raises(InputError, match=r"more than 4 usable captures .* got 2 of s4 \(1 such people\)"):
        draw(faces[1][:26])


def test_one_person_is_refused(faces):
    with pytest.raises(InputError, match="expected captures of two or more people, got 1"):
        draw(faces[1][:6])


def try_on(faces, *candidates):
    images, captures = faces
    return try_estimators(images, list(captures["capture_id"]), draw(captures), candidates, 1)


def test_every_test_capture_is_answered_once_a_split_and_estimator(faces, svm, bayes):
    answers, measures = try_on(faces, Candidate("svm", svm, 3), Candidate("bayes", bayes, 2))
    assert len(answers) == 10 * 3 + 10 * 2
    assert measures.groupby("estimator")["split"].nunique().to_dict() == {"svm": 3, "bayes": 2}
    for row in measures.itertuples():
        part = answers[(answers["split"] == row.split) & (answers["estimator"] == row.estimator)]
        assert row.accuracy == pytest.approx((part["named"] == part["subject_id"]).mean())
        assert row.components == 10
        assert 0 < row.explained_share < 1


class Spy:
    """An estimator that keeps what it is shown."""

    seen: list[np.ndarray] = []
    asked: list[np.ndarray] = []
    classes = tuple(f"s{k}" for k in range(5))
    explained_share = None

    def fit(self, images, labels):
        self.seen.append(images)

    def predict_posterior(self, images):
        self.asked.append(images)
        return np.full((len(images), 5), 0.2)


def test_no_test_image_reaches_the_fit(faces, svm, monkeypatch):
    monkeypatch.setattr(trials, "build_estimator", lambda settings, seed: Spy())
    try_on(faces, Candidate("spy", svm, 3))
    for shown, asked in zip(Spy.seen, Spy.asked, strict=True):
        fitted = {one.tobytes() for one in shown}
        assert len(fitted) == 20
        assert not fitted & {one.tobytes() for one in asked}


def test_what_an_estimator_answers_does_not_change_with_the_test_images_of_others(faces, svm):
    images, captures = faces
    splits = draw(captures, splits=1)
    tested = splits.loc[splits["part"] == "test", "capture_id"].astype(int).to_numpy()
    changed = images.copy()
    changed[tested[1:]] = 0
    ids = list(captures["capture_id"])
    first, again = (
        try_estimators(pixels, ids, splits, [Candidate("svm", svm, 1)], 1)[0] for pixels in (images, changed)
    )
    assert first["confidence"].iloc[0] == again["confidence"].iloc[0]


def index_of(captures: pd.DataFrame) -> pd.DataFrame:
    return captures.assign(
        capture_index=captures.groupby("subject_id").cumcount() + 1,
        impression=0,
        status="ok",
        shard="a",
        row=range(len(captures)),
    )


def test_captures_take_part_by_their_index(faces):
    chosen = select_captures(index_of(faces[1]), 2, 4)
    assert list(chosen["capture_index"]) == [2, 3, 4] * 5


def test_failed_captures_take_no_part(faces):
    index = index_of(faces[1])
    index.loc[0, "status"] = "failed"
    assert len(select_captures(index, 1, 10)) == len(index) - 1


def test_range_without_captures_is_refused_with_what_there_is(faces):
    with pytest.raises(InputError, match="an index from 7 to 9, got 1 to 6"):
        select_captures(index_of(faces[1]), 7, 9)


def test_images_are_gathered_for_the_captures_of_the_splits(faces):
    images, captures = faces
    arrays = ShardedArrays({"a": np.stack([images, np.full_like(images, 255)], axis=1)})
    ids, gathered = gather_images(arrays, index_of(captures), draw(captures[:12]))
    assert ids == list(captures["capture_id"][:12])
    np.testing.assert_array_equal(gathered, images[:12])


def test_log_names_components_only_of_an_estimator_that_has_any(faces, svm, network, monkeypatch, caplog):
    monkeypatch.setattr(trials, "build_estimator", lambda settings, seed: Spy())
    caplog.set_level("INFO")
    try_on(faces, Candidate("pca_svm", svm, 1), Candidate("network", network, 1))
    first, second = caplog.messages
    assert first.startswith("split 1: pca_svm with 10 components: 20.0 % right, ")
    assert second.startswith("split 1: network: 20.0 % right, ")

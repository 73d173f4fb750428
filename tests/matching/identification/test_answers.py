"""Recognition of new captures: whom they show, if anyone enrolled, and what cannot be said."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from selfsame.errors import MismatchError
from selfsame.matching.identification.answers import COLUMNS, Recogniser, answer, summarise_predictions
from selfsame.matching.identification.gallery_settings import GallerySettings
from selfsame.matching.templates import tabulate_templates

EYES = {"iris_left": "left", "iris_right": "right"}
GALLERY = GallerySettings(stored_as="float32", sketch=False, workers=1)
PEOPLE = ("ann", "bob", "cleo")
NO_FILES = pd.DataFrame(columns=["path", "reason", "detail"], dtype="str")
VERSIONS = {"iris_left": "v-left", "iris_right": "v-right"}

Answer = Callable[..., pd.DataFrame]
Shown = tuple[pd.DataFrame, pd.DataFrame]


def mean(scores: np.ndarray) -> np.ndarray:
    """A fusion: the mean of the scores that are there."""
    given = ~np.isnan(scores)
    total = np.where(given, scores, 0).sum(axis=1)
    return np.divide(total, given.sum(axis=1), out=np.full(len(scores), np.nan), where=given.any(axis=1))


def make(modality: str, captures: list[tuple[str, int]], role: str = "probe", **change: str) -> Shown:
    """The index and the templates of (subject, capture number) pairs: alike for the same eye."""
    instance = EYES[modality]
    index = pd.DataFrame(captures, columns=["subject_id", "capture_index"]).assign(
        capture_id=[f"{subject}-{instance}-{capture}" for subject, capture in captures],
        impression=0, modality=modality, instance=instance, role=role, status="ok", reason=None,
    )  # fmt: skip
    vectors = np.stack([
        np.random.default_rng([ord(subject[0]), ord(instance[0])]).normal(size=16)
        + np.random.default_rng(capture).normal(0, 0.05, 16)
        for subject, capture in captures
    ])  # fmt: skip
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    kind = {"comparator": "cosine", "version": VERSIONS[modality], "settings": "{}", **change}
    return index, tabulate_templates(index, vectors, **kind)


def fail(made: Shown) -> Shown:
    index, templates = made
    return index.assign(status="failed", reason="no_pupil"), templates.head(0)


def both_eyes(captures: list[tuple[str, int]]) -> dict[str, Shown]:
    return {modality: make(modality, captures) for modality in EYES}


ENROLLED = pd.concat([make(m, [(one, 1) for one in PEOPLE], "reference")[1] for m in EYES], ignore_index=True)


@pytest.fixture
def ask() -> Answer:
    """Answer who is shown: `ask(iris_left=make(...), threshold=0.9)`; paths are capture_id + ".png"."""

    def recognise(
        *,
        threshold: float = 0.9,
        rejected: pd.DataFrame = NO_FILES,
        enrolled: pd.DataFrame = ENROLLED,
        modalities: tuple[str, ...] = tuple(EYES),
        extra: tuple[str, ...] = (),
        gallery: GallerySettings = GALLERY,
        **shown: Shown,
    ) -> pd.DataFrame:
        names = [name for index, _ in shown.values() for name in index["capture_id"]] + list(extra)
        keys = (*EYES, "iris_left+iris_right")
        return answer(
            Recogniser(
                chosen=dict.fromkeys(modalities, "cosine"),
                versions={modality: VERSIONS[modality] for modality in modalities},
                fuse=mean,
                thresholds=dict.fromkeys(keys, threshold),
            ),
            enrolled=enrolled,
            fresh=pd.concat([templates for _, templates in shown.values()], ignore_index=True),
            indexes={modality: index for modality, (index, _) in shown.items()},
            paths=pd.Series([f"{name}.png" for name in names], index=names),
            rejected=rejected,
            count=2,
            gallery=gallery,
        )

    return recognise


def test_another_capture_of_an_enrolled_person_is_identified(ask: Answer) -> None:
    (row,) = ask(**both_eyes([("bob", 7)])).to_dict("records")
    assert (row["status"], row["identity"]) == ("identified", "bob")
    assert row["modalities"] == "iris_left+iris_right"
    assert row["captures"] == ["bob-left-7.png", "bob-right-7.png"]
    assert row["candidates"][0] == "bob"
    assert row["score"] == row["candidate_scores"][0] > 0.9
    assert row["template_versions"] == "v-left+v-right"


def test_the_name_in_the_path_takes_no_part_in_the_answer(ask: Answer) -> None:
    captures = {
        modality: (index.assign(subject_id="ann"), templates.assign(subject_id="ann"))
        for modality, (index, templates) in both_eyes([("bob", 7)]).items()
    }
    assert ask(**captures)["identity"].tolist() == ["bob"]


def test_below_the_threshold_the_answer_is_unknown_with_candidates(ask: Answer) -> None:
    (row,) = ask(**both_eyes([("bob", 7)]), threshold=1.01).to_dict("records")
    assert (row["status"], row["identity"], row["threshold"]) == ("unknown", "unknown", 1.01)
    assert len(row["candidates"]) == len(row["candidate_scores"]) == 2


def test_a_modality_without_any_new_capture_is_done_without(ask: Answer) -> None:
    found = ask(iris_right=make("iris_right", [("ann", 5), ("cleo", 5)]))
    assert found["identity"].tolist() == ["ann", "cleo"]
    assert set(found["modalities"]) == {"iris_right"}


def test_a_failed_capture_is_named_and_the_rest_of_its_presentation_decides(ask: Answer) -> None:
    captures = both_eyes([("bob", 7)])
    (row,) = ask(**{**captures, "iris_left": fail(captures["iris_left"])}).to_dict("records")
    assert (row["status"], row["identity"], row["modalities"]) == ("identified", "bob", "iris_right")
    assert row["reason"] == "bob-left-7.png: no_pupil"


def test_one_failed_capture_among_several_leaves_the_others(ask: Answer) -> None:
    index, templates = make("iris_left", [("ann", 3), ("bob", 4)])
    index.loc[0, ["status", "reason"]] = ["failed", "occluded"]
    found = ask(iris_left=(index, templates.tail(1)))
    assert found["status"].tolist() == ["failed", "identified"]
    assert found["identity"].tolist()[1] == "bob"


def test_a_presentation_of_failed_captures_fails_and_names_each(ask: Answer) -> None:
    captures = {modality: fail(made) for modality, made in both_eyes([("bob", 7)]).items()}
    (row,) = ask(**captures).to_dict("records")
    assert row["status"] == "failed"
    assert row["reason"] == "bob-left-7.png: no_pupil; bob-right-7.png: no_pupil"
    assert row["candidates"] == []
    assert pd.isna(row["identity"])
    assert pd.isna(row["score"])


def test_rejected_files_become_rows_behind_the_answers(ask: Answer) -> None:
    files = pd.DataFrame(
        {"path": ["a.txt", "b.bmp"], "reason": ["not_an_image", "empty"], "detail": ["x", "y"]}
    )
    found = ask(**both_eyes([("bob", 7)]), rejected=files)
    assert found["status"].tolist() == ["identified", "rejected", "rejected"]
    assert found["reason"].tolist()[1:] == ["not_an_image: x", "empty: y"]
    assert found["captures"].tolist()[1:] == [["a.txt"], ["b.bmp"]]


def test_captures_of_a_modality_that_was_never_seen_become_rows(ask: Answer) -> None:
    found = ask(**both_eyes([("bob", 7)]), extra=("bob-thumb",))
    assert found["status"].tolist() == ["identified", "rejected"]
    assert found.loc[1, "captures"] == ["bob-thumb.png"]
    assert found.loc[1, "reason"].startswith("other_modality: expected one of")


def test_captures_of_a_modality_without_thresholds_are_not_lost(ask: Answer) -> None:
    found = ask(**both_eyes([("bob", 7)]), modalities=("iris_left",))
    assert found["status"].tolist() == ["identified", "rejected"]
    assert found["captures"].tolist() == [["bob-left-7.png"], ["bob-right-7.png"]]
    assert (
        found.loc[1, "reason"]
        == "other_modality: expected one of the modalities that are compared: iris_left"
    )


def test_the_table_has_the_same_columns_and_types_whatever_it_holds(ask: Answer) -> None:
    files = pd.DataFrame({"path": ["a"], "reason": ["empty"], "detail": ["x"]})
    tables = [
        ask(**both_eyes([("bob", 7)])),
        ask(**both_eyes([("bob", 7)]), rejected=files),
        ask(iris_left=fail(make("iris_left", [("bob", 7)]))),
    ]
    for table in tables:
        assert list(table.columns) == list(COLUMNS)
        assert table.dtypes.astype(str).to_dict() == dict(COLUMNS)


def test_enrolled_templates_of_another_version_are_refused(ask: Answer) -> None:
    others = ENROLLED.assign(version="old")
    with pytest.raises(
        MismatchError,
        match=r"iris_left templates of enrolled captures by cosine of version v-left, got those of old: run",
    ):
        ask(**both_eyes([("bob", 7)]), enrolled=others)


def test_new_templates_of_another_version_are_refused(ask: Answer) -> None:
    with pytest.raises(
        MismatchError, match=r"of new captures by cosine of version v-right, got those of old"
    ):
        ask(iris_right=make("iris_right", [("bob", 7)], version="old"))


def test_new_captures_without_templates_of_the_chosen_comparator_are_refused(ask: Answer) -> None:
    with pytest.raises(MismatchError, match=r"templates of new captures by cosine, which .* got none: keep"):
        ask(iris_left=make("iris_left", [("bob", 7)], comparator="code"))


def test_templates_of_other_folds_and_comparators_take_no_part(ask: Answer) -> None:
    """What learns has templates of every fold; those of the thresholds' fold decide."""
    others = ENROLLED.assign(version="another fold", fold=3)
    codes = ENROLLED.assign(comparator="code", template=[b"damaged"] * len(ENROLLED))
    found = ask(**both_eyes([("bob", 7)]), enrolled=pd.concat([others, ENROLLED, codes], ignore_index=True))
    pd.testing.assert_frame_equal(found, ask(**both_eyes([("bob", 7)])))


@pytest.mark.parametrize(("role", "status"), [("reference", "identified"), ("both", "identified")])
def test_references_and_captures_on_both_sides_are_enrolled(ask: Answer, role: str, status: str) -> None:
    found = ask(**both_eyes([("bob", 7)]), enrolled=ENROLLED.assign(role=role))
    assert found["status"].tolist() == [status]


def test_where_only_probes_are_known_nobody_is_enrolled(ask: Answer) -> None:
    found = ask(**both_eyes([("bob", 7)]), enrolled=ENROLLED.assign(role="probe"))
    assert found["status"].tolist() == ["failed"]
    assert "no capture of this presentation could be compared" in found.loc[0, "reason"]


def test_a_batch_of_n_equals_n_single_ones(ask: Answer) -> None:
    captures = [("ann", 4), ("bob", 5), ("cleo", 6)]
    together = ask(**both_eyes(captures))
    for i, capture in enumerate(captures):
        alone = ask(**both_eyes([capture]))
        exact = ["status", "identity", "candidates", "modalities", "captures"]
        assert alone.loc[0, exact].tolist() == together.loc[i, exact].tolist()
        np.testing.assert_allclose(
            alone.loc[0, "candidate_scores"], together.loc[i, "candidate_scores"], atol=1e-6
        )


def test_the_summary_counts_answers_by_status(ask: Answer) -> None:
    files = pd.DataFrame({"path": ["a"], "reason": ["empty"], "detail": ["x"]})
    found = ask(**both_eyes([("bob", 7), ("ann", 2)]), rejected=files)
    assert summarise_predictions(found) == {
        "rows": 3,
        "by_status": {"identified": 2, "rejected": 1},
        "files_by_status": {"identified": 4, "rejected": 1},
        "template_versions": "v-left+v-right",
    }


def test_the_summary_of_no_predictions_names_no_model(ask: Answer) -> None:
    none = ask(**both_eyes([("bob", 7)])).head(0)
    assert summarise_predictions(none) == {
        "rows": 0,
        "by_status": {},
        "files_by_status": {},
        "template_versions": None,
    }


def test_a_reference_is_not_compared_with_itself(ask: Answer) -> None:
    found = ask(iris_left=make("iris_left", [("ann", 1), ("ann", 2)])).set_index("status")  # 1 is enrolled
    assert found.index.tolist() == ["identified", "enrolled"]
    assert "ann-left-1" in found.loc["enrolled", "presentation"]
    assert "reference of subject ann" in found.loc["enrolled", "reason"]
    assert pd.isna(found.loc["enrolled", "score"])


def test_nothing_but_references_gives_no_answer(ask: Answer) -> None:
    found = ask(iris_left=make("iris_left", [("ann", 1), ("bob", 1)]))
    assert found["status"].tolist() == ["enrolled", "enrolled"]


@pytest.mark.parametrize("sketch", [False, True])
def test_one_modality_alone_is_searched_with_the_answers_of_a_comparison_with_everyone(
    ask: Answer, monkeypatch: pytest.MonkeyPatch, sketch: bool
) -> None:
    shown = make("iris_left", [("bob", 7), ("cleo", 8), ("dora", 3)])
    kept = GALLERY.model_copy(update={"sketch": sketch})
    searched = ask(iris_left=shown, modalities=("iris_left",), gallery=kept)
    monkeypatch.setattr("selfsame.matching.identification.answers.rises", lambda _fuse: False)
    compared = ask(iris_left=shown, modalities=("iris_left",))
    scores = [np.concatenate(table.pop("candidate_scores").to_list()) for table in (searched, compared)]
    np.testing.assert_allclose(*scores, atol=1e-6)
    pd.testing.assert_frame_equal(searched, compared, rtol=1e-6)
    assert searched["identity"].tolist() == ["bob", "cleo", "unknown"]


def test_embeddings_are_kept_as_the_settings_say(ask: Answer) -> None:
    shown = make("iris_left", [("bob", 7), ("cleo", 8), ("dora", 3)])
    rounded = GALLERY.model_copy(update={"stored_as": "int8"})
    plain, kept = (ask(iris_left=shown, modalities=("iris_left",), gallery=one) for one in (GALLERY, rounded))
    assert plain["identity"].tolist() == kept["identity"].tolist()
    assert (plain["score"] != kept["score"]).all()
    np.testing.assert_allclose(plain["score"], kept["score"], atol=0.01)

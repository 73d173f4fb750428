import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfsame.errors import InputError
from selfsame.protocols.splits import (
    ListedReferences,
    SharedReferences,
    SplitRules,
    split_closed_set,
    split_open_set,
    split_subject_disjoint,
    split_unenrolled,
    unit_digest,
)
from selfsame.sources.tables import DISTINCT, KEY, MANIFEST, make_table

LISTED = ListedReferences([1, 2])


def rules(**changes: object) -> SplitRules:
    usual = {"references": LISTED, "validation_share": 0.0, "folds": 5, "unenrolled_share": 0.2}
    return SplitRules(**(usual | changes))


def captures(subjects: int, each: int = 4, modality: str = "iris_left") -> pd.DataFrame:
    rows = [
        {
            "capture_id": f"{modality}{s}-{i}",
            "subject_id": f"s{s}",
            "modality": modality,
            "instance": "left",
            "capture_index": i,
            "path": f"{s}/{i}",
        }
        | {"width": 64, "height": 64, "bytes": 1}
        for s in range(subjects)
        for i in range(1, each + 1)
    ]
    return make_table(rows, DISTINCT)


def mixed(subjects: int) -> pd.DataFrame:
    """Four captures of an eye and one of a finger, of each subject."""
    return pd.concat([captures(subjects), captures(subjects, 1, "fingerprint")], ignore_index=True)


def by_key(manifest: pd.DataFrame, column: str) -> dict[tuple[object, ...], str]:
    return dict(zip(manifest[list(KEY)].itertuples(index=False, name=None), manifest[column], strict=True))


def found(split: pd.DataFrame) -> set[tuple[str, str]]:
    return set(split[["role", "split"]].itertuples(index=False, name=None))


def list_tested(table: pd.DataFrame, folds: int, seed: int = 1) -> list[set[str]]:
    splits = split_subject_disjoint(table, rules(folds=folds), seed)
    return [set(split.loc[split["split"] == "test", "subject_id"]) for split in splits]


def test_closed_set_trains_on_references_and_tests_on_probes() -> None:
    split = split_closed_set(captures(3), rules(), 1)
    for _, row in split.iterrows():
        expected = ("reference", "train") if row["capture_index"] <= 2 else ("probe", "test")
        assert (row["role"], row["split"]) == expected


def test_closed_set_takes_validation_from_the_references_only() -> None:
    split = split_closed_set(captures(200), rules(validation_share=0.25), 1)
    counts = split.groupby(["role", "split"]).size().to_dict()
    assert counts[("probe", "test")] == 400
    assert counts[("reference", "validation")] == pytest.approx(100, abs=35)  # 4 standard deviations of 8.7
    assert counts[("reference", "validation")] + counts[("reference", "train")] == 400


def test_each_fold_trains_on_nobody_whom_it_tests() -> None:
    for split in split_subject_disjoint(captures(23), rules(validation_share=0.2), 1):
        tested = split["split"] == "test"
        assert not set(split.loc[tested, "subject_id"]) & set(split.loc[~tested, "subject_id"])
        assert set(split["split"]) == {"train", "validation", "test"}


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.integers(0, 30), st.integers(0, 2**31))
def test_everybody_is_tested_in_one_fold_and_folds_are_of_one_size(folds: int, more: int, seed: int) -> None:
    subjects = 2 * folds + more
    tested = list_tested(captures(subjects, 1), folds, seed)
    sizes = [len(names) for names in tested]
    assert len(tested) == folds
    assert sum(sizes) == len(set().union(*tested)) == subjects
    assert max(sizes) - min(sizes) <= 1


def test_captures_of_the_test_are_reference_and_probe_at_once_but_single_prints_references() -> None:
    (split, *_) = split_subject_disjoint(mixed(5), rules(), 1)
    tested = split[split["split"] == "test"]
    assert found(tested[tested["modality"] == "iris_left"]) == {("both", "test")}
    assert found(tested[tested["modality"] == "fingerprint"]) == {("reference", "test")}
    assert "both" not in set(split.loc[split["split"] == "train", "role"])


def test_with_one_fold_everybody_is_tested_and_nobody_trained_on() -> None:
    (split,) = split_subject_disjoint(captures(4), rules(folds=1), 1)
    assert found(split) == {("both", "test")}


def test_subject_disjoint_validates_with_captures_of_people_it_trains_on() -> None:
    (split, *_) = split_subject_disjoint(captures(200), rules(validation_share=0.2), 1)
    training = split[split["split"] != "test"]
    validated, trained = (
        set(training.loc[training["split"] == name, "subject_id"]) for name in ("validation", "train")
    )
    assert len(validated - trained) <= 2  # 0.2 ** 4 of 160 people have all four captures held out
    share = (training["split"] == "validation").mean()
    assert share == pytest.approx(0.2, abs=0.07)  # 4 standard deviations of 0.016


def test_a_subject_of_the_test_stays_one_whatever_the_share_of_validation() -> None:
    tested = [
        [split["split"] == "test" for split in split_subject_disjoint(captures(40), chosen, 1)]
        for chosen in (rules(), rules(validation_share=0.4))
    ]
    assert all(one.equals(other) for one, other in zip(*tested, strict=True))


def test_open_set_leaves_a_share_of_the_subjects_without_references_and_training() -> None:
    split = split_open_set(mixed(20), rules(unenrolled_share=0.25), 1)
    kinds = split.groupby("subject_id")["role"].agg(lambda roles: "reference" in set(roles))
    assert (~kinds).sum() == 5
    strangers = split[~split["subject_id"].map(kinds)]
    assert found(strangers) == {("probe", "test")}
    assert set(strangers["modality"]) == {"iris_left", "fingerprint"}
    assert found(split[split["subject_id"].map(kinds)]) == {("reference", "train"), ("probe", "test")}


@pytest.mark.parametrize(("share", "subjects", "expected"), [(0.01, 3, 1), (0.99, 3, 2), (0.5, 2, 1)])
def test_open_set_has_somebody_of_each_kind(share: float, subjects: int, expected: int) -> None:
    split = split_open_set(captures(subjects), rules(unenrolled_share=share), 1)
    enrolled = set(split.loc[split["role"] == "reference", "subject_id"])
    assert subjects - len(enrolled) == expected


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 5), st.integers(0, 2**31))
def test_captures_that_are_added_change_nothing_for_the_others(more: int, seed: int) -> None:
    def split(table: pd.DataFrame) -> pd.DataFrame:
        return split_closed_set(table, rules(references=SharedReferences(0.5), validation_share=0.3), seed)

    few, many = split(captures(40, 2)), split(captures(40 + more, 3).sample(frac=1, random_state=1))
    for column in ("role", "split"):
        assert by_key(few, column).items() <= by_key(many, column).items()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 100))
def test_the_order_of_rows_does_not_matter(seed: int, shuffle: int) -> None:
    table, chosen = captures(11), rules(validation_share=0.3)
    other = table.sample(frac=1, random_state=shuffle)
    folds = zip(
        split_subject_disjoint(table, chosen, seed), split_subject_disjoint(other, chosen, seed), strict=True
    )
    for one, two in [*folds, (split_open_set(table, chosen, seed), split_open_set(other, chosen, seed))]:
        assert by_key(one, "split") == by_key(two, "split")
        assert by_key(one, "role") == by_key(two, "role")


def test_another_seed_splits_otherwise() -> None:
    assert list_tested(captures(50), 2, 1) != list_tested(captures(50), 2, 2)


def test_references_by_share_are_about_that_share() -> None:
    split = split_closed_set(captures(200), rules(references=SharedReferences(0.6)), 1)
    assert (split["role"] == "reference").mean() == pytest.approx(0.6, abs=0.07)  # 4 sd of 0.017


def test_draws_are_uniform_and_known() -> None:
    draws = pd.Series([unit_digest(1, "x", number) for number in range(2000)])
    assert draws.between(0, 1, inclusive="left").all()
    assert draws.mean() == pytest.approx(0.5, abs=0.026)  # 4 standard errors
    # printf '1\0x\0a' | sha256sum begins with these 16 digits
    assert unit_digest(1, "x", "a") == (0x25326596537728FA >> 11) / 2**53


def test_no_capture_left_for_training_is_refused() -> None:
    with pytest.raises(InputError, match="reference captures for training, got none"):
        split_closed_set(captures(3), rules(references=ListedReferences([9])), 1)


def test_no_probe_left_is_refused() -> None:
    with pytest.raises(InputError, match="all 12 are references"):
        split_closed_set(captures(3), rules(references=ListedReferences([1, 2, 3, 4])), 1)


@pytest.mark.parametrize("references", [LISTED, SharedReferences(0.5), ListedReferences([9])])
def test_single_captures_are_references_since_their_probes_are_made(references: object) -> None:
    split = split_closed_set(captures(30, each=1), rules(references=references), 1)
    assert found(split) == {("reference", "train")}


def test_captures_that_are_only_to_be_recognised_are_all_probes() -> None:
    manifest = split_unenrolled(captures(2))
    assert list(manifest.columns) == list(MANIFEST)
    assert manifest[["role", "split", "protocol"]].drop_duplicates().to_numpy().tolist() == [
        ["probe", "test", "unenrolled"]
    ]


@pytest.mark.parametrize(("subjects", "made"), [(1, 1), (3, 1), (4, 2), (9, 4), (10, 5), (30, 5)])
def test_folds_are_so_few_that_each_tests_two_people(subjects: int, made: int) -> None:
    assert len(list_tested(captures(subjects, 1), 5)) == made


def test_one_subject_makes_no_open_set() -> None:
    with pytest.raises(InputError, match=r"at least two subjects, one to enrol .* got 1"):
        split_open_set(captures(1), rules(), 1)


def test_a_fold_that_leaves_nothing_for_training_is_refused() -> None:
    with pytest.raises(InputError, match="training in every fold, got none: lower validation_share"):
        list(split_subject_disjoint(captures(4, 1), rules(folds=2, validation_share=0.999999), 1))

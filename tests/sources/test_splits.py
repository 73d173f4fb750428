import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfsame.errors import InputError
from selfsame.sources.splits import (
    ListedReferences,
    SharedReferences,
    split_closed_set,
    split_subject_disjoint,
    split_unenrolled,
    unit_digest,
)
from selfsame.sources.tables import DISTINCT, KEY, MANIFEST, make_table

LISTED = ListedReferences([1, 2])


def captures(subjects: int, each: int = 4, modality: str = "iris_left") -> pd.DataFrame:
    rows = [
        {
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


def by_key(manifest: pd.DataFrame, column: str) -> dict[tuple[object, ...], str]:
    return dict(zip(manifest[list(KEY)].itertuples(index=False, name=None), manifest[column], strict=True))


def test_closed_set_trains_on_references_and_tests_on_probes() -> None:
    manifest = split_closed_set(captures(3), LISTED, 0.0, 1)
    assert list(manifest.columns) == list(MANIFEST)
    for _, row in manifest.iterrows():
        expected = ("reference", "train") if row["capture_index"] <= 2 else ("probe", "test")
        assert (row["role"], row["split"], row["protocol"]) == (*expected, "closed_set")


def test_closed_set_takes_validation_from_the_references_only() -> None:
    manifest = split_closed_set(captures(200), LISTED, 0.25, 1)
    counts = manifest.groupby(["role", "split"]).size().to_dict()
    assert counts[("probe", "test")] == 400
    assert counts[("reference", "validation")] == pytest.approx(100, abs=35)  # 4 standard deviations of 8.7
    assert counts[("reference", "validation")] + counts[("reference", "train")] == 400


def test_subject_disjoint_trains_on_nobody_of_the_test() -> None:
    manifest = split_subject_disjoint(captures(200), LISTED, 0.2, 0.3, 1)
    tested = manifest["split"] == "test"
    known, held_out = (set(manifest.loc[chosen, "subject_id"]) for chosen in (~tested, tested))
    assert not known & held_out
    assert len(held_out) == pytest.approx(60, abs=26)  # 4 standard deviations of 6.5
    assert set(manifest.groupby("split")["role"].nunique()) == {2}


def test_subject_disjoint_validates_with_captures_of_people_it_trains_on() -> None:
    manifest = split_subject_disjoint(captures(200), LISTED, 0.2, 0.3, 1)
    training = manifest[manifest["split"] != "test"]
    validated, trained = (
        set(training.loc[training["split"] == split, "subject_id"]) for split in ("validation", "train")
    )
    assert len(validated - trained) <= 2  # 0.2 ** 4 of about 140 people have all four captures held out
    share = (training["split"] == "validation").mean()
    assert share == pytest.approx(0.2, abs=0.07)  # 4 standard deviations of 0.017


def test_a_subject_of_the_test_stays_one_whatever_the_share_of_validation() -> None:
    tested = [
        split_subject_disjoint(captures(40), LISTED, share, 0.5, 1)["split"] == "test" for share in (0, 0.4)
    ]
    assert tested[0].equals(tested[1])


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 5), st.integers(0, 2**31), st.sampled_from(["closed", "disjoint"]))
def test_rows_that_are_added_change_nothing_for_the_others(more: int, seed: int, kind: str) -> None:
    def split(table: pd.DataFrame) -> pd.DataFrame:
        references = SharedReferences(0.5)
        if kind == "closed":
            return split_closed_set(table, references, 0.3, seed)
        return split_subject_disjoint(table, references, 0.2, 0.4, seed)

    few, many = split(captures(40, 2)), split(captures(40 + more, 3).sample(frac=1, random_state=1))
    for column in ("role", "split"):
        assert by_key(few, column).items() <= by_key(many, column).items()


def test_another_seed_splits_otherwise() -> None:
    one, two = (
        split_subject_disjoint(captures(50), LISTED, 0.0, 0.5, seed)["split"].tolist() for seed in (1, 2)
    )
    assert one != two


def test_references_by_share_are_about_that_share() -> None:
    manifest = split_closed_set(captures(200), SharedReferences(0.6), 0.0, 1)
    assert (manifest["role"] == "reference").mean() == pytest.approx(0.6, abs=0.07)  # 4 sd of 0.017


def test_draws_are_uniform_and_known() -> None:
    draws = pd.Series([unit_digest(1, "x", number) for number in range(2000)])
    assert draws.between(0, 1, inclusive="left").all()
    assert draws.mean() == pytest.approx(0.5, abs=0.026)  # 4 standard errors
    # printf '1\0x\0a' | sha256sum begins with these 16 digits
    assert unit_digest(1, "x", "a") == (0x25326596537728FA >> 11) / 2**53


def test_no_capture_left_for_training_is_refused() -> None:
    with pytest.raises(InputError, match="reference captures for training, got none"):
        split_closed_set(captures(3), ListedReferences([9]), 0.0, 1)


def test_no_probe_left_is_refused() -> None:
    with pytest.raises(InputError, match="all 12 are references"):
        split_closed_set(captures(3), ListedReferences([1, 2, 3, 4]), 0.0, 1)


def test_single_captures_need_no_probe_since_theirs_are_made() -> None:
    manifest = split_closed_set(captures(3, each=1), LISTED, 0.0, 1)
    assert set(manifest["split"]) == {"train"}


def test_captures_that_are_only_to_be_recognised_are_all_probes() -> None:
    manifest = split_unenrolled(captures(2))
    assert manifest[["role", "split", "protocol"]].drop_duplicates().to_numpy().tolist() == [
        ["probe", "test", "unenrolled"]
    ]


def test_no_subject_left_for_a_split_is_refused() -> None:
    with pytest.raises(InputError, match="none of 1 fell there"):
        split_subject_disjoint(captures(1), LISTED, 0.0, 0.5, 1)

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfsame.errors import InputError
from selfsame.sources.captures import number_captures, require_captures, share_attributes, sift
from selfsame.sources.tables import CANDIDATES, DISTINCT, KEY, REJECTED, make_table

NOTHING = make_table([], REJECTED)


def candidate(path: str, content: str = "", **fields: object) -> dict[str, object]:
    subject = path.partition("/")[0]
    row = {
        "capture_id": content or path,
        "sha256": content or path,
        "subject_id": subject,
        "modality": "iris_left",
        "instance": "left",
        "path": path,
        "format": "PNG",
        "width": 64,
        "height": 64,
        "bytes": 10,
    }
    return row | fields


def table(*rows: dict[str, object]) -> pd.DataFrame:
    return make_table(rows, CANDIDATES)


def reasons(rejected: pd.DataFrame) -> dict[str, str]:
    return dict(zip(rejected["path"], rejected["reason"], strict=True))


def test_a_copy_in_the_same_instance_is_refused_and_names_the_file_it_repeats() -> None:
    rows = [candidate("1/a.png", "x", capture_index=2), candidate("1/b.png", "x", capture_index=1)]
    captures, rejected = sift(table(*rows), NOTHING)
    assert captures["path"].tolist() == ["1/b.png"]
    assert reasons(rejected) == {"1/a.png": "duplicate"}
    assert rejected["detail"].tolist() == ["the same bytes as 1/b.png"]


def test_copies_that_claim_two_people_are_all_refused() -> None:
    rows = [
        candidate("1/a.png", "x"),
        candidate("2/a.png", "x"),
        candidate("2/b.png", "x"),
        candidate("3/a.png"),
    ]
    captures, rejected = sift(table(*rows), NOTHING)
    assert captures["path"].tolist() == ["3/a.png"]
    assert reasons(rejected) == dict.fromkeys(["1/a.png", "2/a.png", "2/b.png"], "duplicate_across_subjects")


def test_copies_that_claim_two_instances_are_all_refused() -> None:
    right = {"modality": "iris_right", "instance": "right"}
    captures, rejected = sift(table(candidate("1/a.png", "x"), candidate("1/b.png", "x", **right)), NOTHING)
    assert captures.empty
    assert set(reasons(rejected).values()) == {"duplicate_across_instances"}


def test_two_files_for_one_key_are_both_refused() -> None:
    rows = [candidate("1/1.png", capture_index=1), candidate("1/1.bmp", capture_index=1)]
    captures, rejected = sift(table(*rows, candidate("1/2.png", capture_index=2)), NOTHING)
    assert captures["path"].tolist() == ["1/2.png"]
    assert reasons(rejected) == dict.fromkeys(["1/1.bmp", "1/1.png"], "duplicate_key")
    assert rejected["detail"].tolist() == [
        "the same capture index as 1/1.png",
        "the same capture index as 1/1.bmp",
    ]


def test_captures_without_an_index_take_the_free_ones_in_the_order_of_their_numbers() -> None:
    rows = [candidate("1/eye10.png"), candidate("1/eye9.png"), candidate("1/b.png", capture_index=2)]
    numbered = number_captures(table(*rows))
    assert dict(zip(numbered["path"], numbered["capture_index"], strict=True)) == {
        "1/b.png": 2,
        "1/eye9.png": 1,
        "1/eye10.png": 3,
    }


def test_each_instance_is_numbered_from_one() -> None:
    rows = [candidate("1/a.png"), candidate("2/a.png"), candidate("1/b.png", instance="right")]
    assert number_captures(table(*rows))["capture_index"].tolist() == [1, 1, 1]


def test_the_sex_of_a_subject_is_shared_where_its_captures_agree() -> None:
    rows = [
        candidate("1/a.png", sex="male"),
        candidate("1/b.png"),
        candidate("2/a.png"),
        candidate("3/a.png"),
    ]
    rows += [candidate("3/b.png", sex="male"), candidate("3/c.png", sex="female")]
    shared = share_attributes(table(*rows))
    assert shared["sex"].fillna("?").tolist() == ["male", "male", "?", "?", "male", "female"]


def test_captures_are_sorted_by_key_and_rejected_files_by_path() -> None:
    rows = [candidate("2/z.png", capture_index=1), candidate("1/z.png", capture_index=2)]
    rows += [candidate("1/a.png", capture_index=3), candidate("1/y.png", capture_index=1)]
    refused = make_table([{"path": "b", "bytes": 0, "reason": "empty", "detail": ""}], REJECTED)
    refused = pd.concat([refused, refused.assign(path="a")])
    captures, rejected = sift(table(*rows), refused)
    assert captures["path"].tolist() == ["1/y.png", "1/z.png", "1/a.png", "2/z.png"]
    assert rejected["path"].tolist() == ["a", "b"]
    assert {name: str(kind) for name, kind in captures.dtypes.items()} == dict(DISTINCT)


CLAIMS = st.tuples(
    st.sampled_from("12"), st.sampled_from("ab"), st.sampled_from([None, 1, 2]), st.sampled_from("xyz")
)


@settings(max_examples=25, deadline=None)
@given(st.lists(CLAIMS, max_size=8), st.randoms())
def test_every_file_becomes_one_row_and_order_does_not_matter(claims: list[tuple], random: object) -> None:
    rows = [
        candidate(f"{subject}/{number}.png", content, instance=instance, capture_index=index)
        for number, (subject, instance, index, content) in enumerate(claims)
    ]
    captures, rejected = sift(table(*rows), NOTHING)
    assert sorted([*captures["path"], *rejected["path"]]) == sorted(str(row["path"]) for row in rows)
    assert not captures.duplicated(list(KEY)).any()
    assert captures["sha256"].is_unique
    random.shuffle(rows)
    again, rejected_again = sift(table(*rows), NOTHING)
    pd.testing.assert_frame_equal(again, captures)
    pd.testing.assert_frame_equal(rejected_again, rejected)


def test_no_capture_at_all_names_the_most_frequent_reason_and_an_example() -> None:
    rows = [{"path": f"{n}.txt", "bytes": 1, "reason": "not_an_image", "detail": "text"} for n in range(3)]
    rows.append({"path": "0.bmp", "bytes": 0, "reason": "empty", "detail": "0 bytes"})
    with pytest.raises(
        InputError,
        match=r"all 4 files .* most as not_an_image: 0\.txt \(text\); each .* rejected\.parquet .*: give",
    ):
        require_captures(make_table([], DISTINCT), make_table(rows, REJECTED))

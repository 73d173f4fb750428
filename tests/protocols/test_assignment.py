from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from selfsame.errors import InputError, MismatchError
from selfsame.protocols.assignment import apply_fold, assign_captures, list_folds, view_fold
from selfsame.protocols.leaks import find_leaks, require_no_leak
from selfsame.protocols.names import PROTOCOLS
from selfsame.protocols.splits import ListedReferences, SplitRules
from selfsame.sources.index import INDEX
from selfsame.sources.tables import ASSIGNMENTS, DISTINCT, MANIFEST, make_table

RULES = SplitRules(ListedReferences([1, 2]), 0.0, folds=3, unenrolled_share=0.3)


def captures(subjects: int = 6) -> pd.DataFrame:
    """Three captures of an eye and one of a finger, of each subject."""
    rows = [
        {"subject_id": f"s{s}", "modality": modality, "instance": "left", "capture_index": i}
        | {"width": 64, "height": 64, "bytes": 1, "path": f"{modality}/{s}/{i}"}
        for s in range(subjects)
        for modality, each in (("iris_left", 3), ("fingerprint", 1))
        for i in range(1, each + 1)
    ]
    for number, row in enumerate(rows):
        row |= {"capture_id": f"{number:024x}", "sha256": f"{number:064x}"}
    return make_table(rows, DISTINCT)


def index_of(manifest: pd.DataFrame, modality: str, impressions: int = 0) -> pd.DataFrame:
    """The index as it is before the protocol is applied: every capture and its impressions."""
    rows = manifest[manifest["modality"] == modality]
    rows = rows.loc[rows.index.repeat(1 + impressions)].reset_index(drop=True)
    rows = rows.assign(impression=np.arange(len(rows)) % (1 + impressions), status="ok", reason=None)
    rows = rows.assign(shard="a", row=np.arange(len(rows)), measures="{}")
    return rows[list(INDEX)].astype(dict(INDEX))


@pytest.fixture
def assignments() -> pd.DataFrame:
    return assign_captures(captures(), RULES, 1)


@pytest.fixture
def manifest(assignments: pd.DataFrame) -> pd.DataFrame:
    return apply_fold(captures(), assignments, "closed_set", 0)


def test_every_protocol_and_fold_assigns_every_capture_once(assignments: pd.DataFrame) -> None:
    assert {name: str(kind) for name, kind in assignments.dtypes.items()} == dict(ASSIGNMENTS)
    sizes = assignments.groupby(["protocol", "fold"], sort=False)["capture_id"].nunique()
    folds = [("closed_set", 0), *[("subject_disjoint", fold) for fold in range(3)], ("open_set", 0)]
    assert sizes.to_dict() == dict.fromkeys(folds, 24)
    assert [list_folds(assignments, name) for name in PROTOCOLS] == [[0], [0, 1, 2], [0]]


def test_assignments_do_not_depend_on_the_order_of_captures(assignments: pd.DataFrame) -> None:
    again = assign_captures(captures().sample(frac=1, random_state=3), RULES, 1)
    pd.testing.assert_frame_equal(again, assignments)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_manifest_shows_one_fold_of_a_protocol(assignments: pd.DataFrame, protocol: str) -> None:
    manifest = apply_fold(captures(), assignments, protocol, 0)
    assert list(manifest.columns) == list(MANIFEST)
    assert set(manifest["protocol"]) == {protocol}
    fold = assignments[(assignments["protocol"] == protocol) & (assignments["fold"] == 0)]
    given = fold.set_index("capture_id")[["role", "split"]]
    pd.testing.assert_frame_equal(manifest.set_index("capture_id")[["role", "split"]], given, check_like=True)


@pytest.mark.parametrize("fold", [0, 1, 2])
def test_an_index_is_seen_under_any_fold(
    assignments: pd.DataFrame, manifest: pd.DataFrame, fold: int
) -> None:
    index = index_of(manifest, "iris_left")
    view = view_fold(index, assignments, "subject_disjoint", fold)
    same = [name for name in INDEX if name not in ("role", "split", "protocol")]
    pd.testing.assert_frame_equal(view[same], index[same])
    tested = view[view["split"] == "test"]
    assert tested["subject_id"].nunique() == 2
    assert set(tested["role"]) == {"both"}
    assert set(view["protocol"]) == {"subject_disjoint"}


def test_a_view_of_the_fold_that_the_manifest_shows_is_the_index_itself(
    assignments: pd.DataFrame, manifest: pd.DataFrame
) -> None:
    index = index_of(manifest, "iris_left")
    pd.testing.assert_frame_equal(view_fold(index, assignments, "closed_set", 0), index)


def test_impressions_follow_their_capture_only_where_people_are_split(
    assignments: pd.DataFrame, manifest: pd.DataFrame
) -> None:
    index = index_of(manifest, "fingerprint", impressions=2)

    def find(protocol: str) -> set[tuple[bool, str, str]]:
        view = view_fold(index, assignments, protocol, 0)
        synthetic = view.assign(impression=view["impression"] > 0)
        return set(synthetic[["impression", "role", "split"]].itertuples(index=False, name=None))

    assert find("closed_set") == {(False, "reference", "train"), (True, "probe", "test")}
    assert find("open_set") == {*find("closed_set"), (False, "probe", "test")}  # an unenrolled one's
    assert find("subject_disjoint") == {
        (synthetic, role, split)
        for synthetic, role in ((False, "reference"), (True, "probe"))
        for split in ("train", "test")
    }


def test_captures_that_a_fold_does_not_use_are_not_seen(
    assignments: pd.DataFrame, manifest: pd.DataFrame
) -> None:
    index = index_of(manifest, "fingerprint", impressions=1)
    unused = index["capture_id"].iloc[0]
    table = assignments.assign(split=assignments["split"].mask(assignments["capture_id"] == unused, "unused"))
    view = view_fold(index, table, "open_set", 0)
    assert len(view) == len(index) - 2
    assert unused not in set(view["capture_id"])


def test_an_index_without_rows_stays_one(assignments: pd.DataFrame, manifest: pd.DataFrame) -> None:
    empty = index_of(manifest, "iris_right")
    pd.testing.assert_frame_equal(view_fold(empty, assignments, "open_set", 0), empty)


def test_another_fold_or_protocol_is_refused_with_those_there_are(
    assignments: pd.DataFrame, manifest: pd.DataFrame
) -> None:
    index = index_of(manifest, "iris_left")
    with pytest.raises(InputError, match=r"subject_disjoint with 3 folds.*got subject_disjoint fold 3"):
        view_fold(index, assignments, "subject_disjoint", 3)
    with pytest.raises(InputError, match="got half_open fold 0"):
        view_fold(index, assignments, "half_open", 0)


def test_an_index_of_other_captures_is_a_mismatch(assignments: pd.DataFrame, manifest: pd.DataFrame) -> None:
    fewer = assignments[assignments["capture_id"] != manifest["capture_id"].iloc[1]]
    with pytest.raises(MismatchError, match=r"they lack 1 rows of it .* run data_engineering"):
        view_fold(index_of(manifest, manifest["modality"].iloc[1]), fewer, "closed_set", 0)


def test_a_protocol_that_cannot_be_is_named() -> None:
    with pytest.raises(InputError, match=r"^protocol open_set: expected at least two subjects"):
        assign_captures(captures(1), RULES, 1)


def test_nothing_leaks_from_assignments_as_they_are_made(
    assignments: pd.DataFrame, manifest: pd.DataFrame
) -> None:
    assert find_leaks(assignments, manifest) == []
    require_no_leak(assignments, manifest)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nothing_leaks_from_an_index_with_impressions(
    assignments: pd.DataFrame, manifest: pd.DataFrame, protocol: str
) -> None:
    view = view_fold(index_of(manifest, "fingerprint", 1), assignments, protocol, 0)
    assert find_leaks(view, manifest) == []


def _put(table: pd.DataFrame, protocol: str, fold: int, chosen: "pd.Series[bool]", **values: str) -> None:
    rows = (table["protocol"] == protocol) & (table["fold"] == fold) & chosen
    table.loc[rows, list(values)] = list(values.values())


def _train_on_a_tested_subject(table: pd.DataFrame, manifest: pd.DataFrame) -> tuple[str, str]:
    fold = table[(table["protocol"] == "subject_disjoint") & (table["fold"] == 1)]
    tested = fold.loc[fold["split"] == "test"].iloc[0]
    _put(table, "subject_disjoint", 1, table["capture_id"] == tested["capture_id"], split="validation")
    return "subject", f"subject_disjoint fold 1: subject {tested['subject_id']} \\(3 captures\\)"


def _enrol_under_a_false_name(table: pd.DataFrame, manifest: pd.DataFrame) -> tuple[str, str]:
    fold = table[(table["protocol"] == "subject_disjoint") & (table["fold"] == 0)]
    tested = fold.loc[fold["split"] == "test"].iloc[0]
    same = table["capture_id"] == tested["capture_id"]
    _put(table, "subject_disjoint", 0, same, split="train", subject_id="somebody else")
    return "subject", f"subject_disjoint fold 0: subject {tested['subject_id']}"


def _train_on_an_unenrolled_subject(table: pd.DataFrame, manifest: pd.DataFrame) -> tuple[str, str]:
    fold = table[table["protocol"] == "open_set"]
    stranger = sorted(set(fold["subject_id"]) - set(fold.loc[fold["role"] == "reference", "subject_id"]))[0]
    _put(table, "open_set", 0, table["subject_id"] == stranger, split="train")
    return "unenrolled", f"open_set fold 0: unenrolled {stranger} \\(4 captures\\)"


def _test_a_copy_of_a_reference(table: pd.DataFrame, manifest: pd.DataFrame) -> tuple[str, str]:
    probe = manifest.index[manifest["role"] == "probe"][0]
    reference = manifest.index[manifest["role"] == "reference"][0]
    manifest.loc[probe, "sha256"] = manifest.loc[reference, "sha256"]
    return "content", f"closed_set fold 0: content {manifest.loc[reference, 'sha256']} \\(1 captures\\)"


@pytest.mark.parametrize(
    "spoil",
    [
        _train_on_a_tested_subject,
        _enrol_under_a_false_name,
        _train_on_an_unenrolled_subject,
        _test_a_copy_of_a_reference,
    ],
)
def test_a_leak_is_found_and_named(
    assignments: pd.DataFrame,
    manifest: pd.DataFrame,
    spoil: Callable[[pd.DataFrame, pd.DataFrame], tuple[str, str]],
) -> None:
    kind, message = spoil(assignments, manifest)
    assert kind in {leak.kind for leak in find_leaks(assignments, manifest)}
    with pytest.raises(MismatchError, match=message) as caught:
        require_no_leak(assignments, manifest)
    assert "\n" not in str(caught.value)


def test_a_capture_that_is_trained_on_and_tested_is_named(
    assignments: pd.DataFrame, manifest: pd.DataFrame
) -> None:
    probe = assignments[(assignments["protocol"] == "closed_set") & (assignments["role"] == "probe")].iloc[:2]
    leaky = pd.concat([assignments, probe.assign(split="train")])
    leaks = find_leaks(leaky, manifest)
    assert [(leak.kind, leak.name, leak.captures) for leak in leaks] == [
        ("capture", name, 1) for name in sorted(probe["capture_id"])
    ]
    with pytest.raises(MismatchError, match="got 2 leaks: closed_set fold 0: capture 0000"):
        require_no_leak(leaky, manifest)


def test_many_leaks_are_counted_and_three_named(assignments: pd.DataFrame, manifest: pd.DataFrame) -> None:
    probe = assignments[assignments["role"] == "probe"]
    leaky = pd.concat([assignments, probe.assign(split="train")])
    with pytest.raises(MismatchError, match=r"leaks: ([^;]+; ){3}\.\.\.: run data_engineering"):
        require_no_leak(leaky, manifest)


def test_assignments_of_other_captures_are_a_mismatch(
    assignments: pd.DataFrame, manifest: pd.DataFrame
) -> None:
    with pytest.raises(MismatchError, match="every assigned capture in the manifest, 5 rows are not"):
        find_leaks(assignments, manifest[1:])

from collections.abc import Callable

import pandas as pd
import pytest

from selfsame.datasets.validators import (
    AssignmentsValidator,
    IndexValidator,
    ManifestValidator,
    RejectedValidator,
)
from selfsame.errors import DamagedError
from selfsame.sources.index import INDEX
from selfsame.sources.tables import ASSIGNMENTS, MANIFEST, REJECTED, make_table


def manifest_row(number: int, **fields: object) -> dict[str, object]:
    row = {
        "capture_id": f"{number:024x}",
        "subject_id": "s1",
        "modality": "iris_left",
        "instance": "left",
        "capture_index": number,
        "path": f"s1/left/{number}.bmp",
        "sha256": f"{number:064x}",
        "xxh128": f"{number:032x}",
        "format": "BMP",
        "width": 320,
        "height": 240,
        "bytes": 1000,
        "sharpness": 10.0,
        "brightness": 0.5,
        "contrast": 0.2,
        "focus": 3.0,
        "highlight_share": 0.01,
        "role": "reference",
        "split": "train",
        "protocol": "closed_set",
    }
    return row | fields


def manifest(**fields: object) -> pd.DataFrame:
    return make_table(
        [manifest_row(1), manifest_row(2, **({"role": "probe", "split": "test"} | fields))], MANIFEST
    )


def test_a_sound_manifest_is_returned_as_it_is() -> None:
    table = manifest()
    assert ManifestValidator().validate(table) is table


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"sha256": f"{1:064x}"}, "sha256 to be unique in the manifest"),
        ({"capture_id": f"{1:024x}"}, "capture_id to be unique"),
        ({"capture_index": 1}, "subject_id, modality, instance, capture_index to be unique"),
        ({"capture_index": 0}, "column capture_index of the manifest"),
        ({"brightness": 1.5}, r"column brightness .* got 1\.5"),
        ({"sharpness": -1.0}, "column sharpness"),
        ({"split": "training"}, "column split .* got training"),
        ({"role": "gallery"}, "column role"),
        ({"subject_id": None}, "column subject_id"),
        ({"subject_id": ""}, "column subject_id"),
        ({"path": "../s1.bmp"}, "column path"),
        ({"path": "/s1.bmp"}, "column path"),
        ({"sha256": "x"}, "column sha256"),
        ({"xxh128": "x"}, "column xxh128"),
        ({"protocol": "subject_disjoint"}, "expected one protocol"),
    ],
)
def test_a_wrong_value_is_named_with_its_column(fields: dict[str, object], message: str) -> None:
    with pytest.raises(DamagedError, match=message) as caught:
        ManifestValidator().validate(manifest(**fields))
    assert "\n" not in str(caught.value)


def test_a_subject_in_training_and_test_is_refused_where_the_protocol_forbids_it() -> None:
    with pytest.raises(DamagedError, match=r"no subject of the test to be trained on .* got s1 in both"):
        ManifestValidator().validate(manifest().assign(protocol="subject_disjoint"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns="sex"), "missing: sex"),
        (lambda table: table.assign(age=1), "unexpected: age"),
        (lambda table: table[table.columns[::-1]], "in this order"),
        (
            lambda table: table.astype({"width": "int64"}),
            "column width of the manifest to be int32, got int64",
        ),
        (lambda table: table.astype({"focus": "str"}), "column focus of the manifest to be float64"),
    ],
)
def test_other_columns_or_types_are_refused(
    change: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    with pytest.raises(DamagedError, match=message):
        ManifestValidator().validate(change(manifest()))


def test_rejected_files_need_a_reason_and_one_row_each() -> None:
    row = {"path": "a.ini", "bytes": 3, "reason": "not_an_image", "detail": "text"}
    table = make_table([row], REJECTED)
    assert RejectedValidator().validate(table) is table
    empty = make_table([], REJECTED)
    assert RejectedValidator().validate(empty) is empty
    with pytest.raises(DamagedError, match="column reason"):
        RejectedValidator().validate(make_table([row | {"reason": None}], REJECTED))
    with pytest.raises(DamagedError, match=r"path to be unique in the table of rejected files, got a\.ini"):
        RejectedValidator().validate(make_table([row, row], REJECTED))


def index(**fields: object) -> pd.DataFrame:
    row = {
        "capture_id": "a" * 24,
        "impression": 0,
        "subject_id": "s1",
        "modality": "iris_left",
        "instance": "left",
        "capture_index": 1,
        "role": "probe",
        "split": "test",
        "protocol": "closed_set",
        "status": "ok",
        "shard": "abc",
        "row": 0,
        "measures": "{}",
    }
    failed = {"status": "failed", "reason": "no_pupil", "shard": None, "row": -1}
    rows = [row, row | {"impression": 1, "row": 1}, row | failed | {"capture_id": "b" * 24} | fields]
    return make_table(rows, INDEX)


def test_a_sound_index_is_returned_as_it_is() -> None:
    table = index()
    assert IndexValidator().validate(table) is table


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"reason": None}, "a shard and a row, or a reason, got neither or both for capture bbb"),
        ({"row": 4}, "neither or both"),
        ({"status": "ok"}, "neither or both"),
        ({"status": "lost"}, "column status"),
        ({"protocol": "open"}, "column protocol .* got open"),
        ({"capture_id": "a" * 24}, "capture_id, impression to be unique"),
        ({"status": "ok", "reason": None, "shard": "abc", "row": 1}, "shard, row to be unique"),
        ({"measures": "pupil"}, "column measures"),
        ({"row": -2}, "column row"),
    ],
)
def test_a_wrong_index_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(DamagedError, match=message):
        IndexValidator().validate(index(**fields))


def assignment(protocol: str, fold: int, subject: int, split: str, **fields: object) -> dict[str, object]:
    row = {"protocol": protocol, "fold": fold, "capture_id": f"{subject:024x}", "subject_id": f"s{subject}"}
    return row | {"role": "both", "split": split} | fields


def assignments(**fields: object) -> pd.DataFrame:
    rows = [
        assignment("closed_set", 0, 1, "train", role="reference"),
        assignment("closed_set", 0, 2, "unused", role="probe"),
        assignment("subject_disjoint", 0, 1, "test"),
        assignment("subject_disjoint", 0, 2, "train"),
        assignment("subject_disjoint", 1, 1, "validation"),
        assignment("subject_disjoint", 1, 2, "test") | fields,
    ]
    return make_table(rows, ASSIGNMENTS)


def test_sound_assignments_are_returned_as_they_are() -> None:
    table = assignments()
    assert AssignmentsValidator().validate(table) is table


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"protocol": "unenrolled"}, "column protocol of the assignments"),
        ({"fold": -1}, "column fold"),
        ({"role": "gallery"}, "column role"),
        ({"split": "training"}, "column split"),
        ({"split": "train"}, r"tested in one fold .* got 1 tests of 2 subjects"),
        ({"split": "unused"}, "got 1 tests of 2 subjects"),
        ({"capture_id": f"{1:024x}"}, "protocol, fold, capture_id to be unique in the assignments"),
        ({"fold": 2}, r"same captures .* got 1 of 2 in subject_disjoint fold 1"),
        ({"subject_id": "s3"}, "got 2 of 3 in closed_set fold 0"),
    ],
)
def test_wrong_assignments_are_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(DamagedError, match=message):
        AssignmentsValidator().validate(assignments(**fields))


def test_a_subject_that_a_fold_trains_on_and_tests_is_refused() -> None:
    rows = [assignment("subject_disjoint", 0, 1, "test")]
    rows.append(assignment("subject_disjoint", 0, 2, "train", subject_id="s1"))
    with pytest.raises(DamagedError, match="got s1 in both in fold 0 of the assignments"):
        AssignmentsValidator().validate(make_table(rows, ASSIGNMENTS))


def test_a_subject_that_is_tested_twice_is_refused() -> None:
    rows = [assignment("subject_disjoint", fold, 1, "test") for fold in (0, 1)]
    with pytest.raises(DamagedError, match="got 2 tests of 1 subjects"):
        AssignmentsValidator().validate(make_table(rows, ASSIGNMENTS))

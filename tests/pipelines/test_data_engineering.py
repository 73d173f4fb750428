import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from kedro.framework.project import configure_project
from kedro.framework.session import KedroSession
from kedro.io import DataCatalog, DatasetError
from kedro.runner import SequentialRunner
from omegaconf import OmegaConf
from PIL import Image
from pydantic import ValidationError

from selfsame.errors import InputError
from selfsame.pipelines.data_engineering import create_pipeline
from selfsame.pipelines.data_engineering.params import DataEngineering, Layouts
from selfsame.protocols.leaks import require_no_leak
from selfsame.sources.tables import MANIFEST

PROJECT = Path(__file__).parents[2]
BASE = PROJECT / "conf" / "base"
NO_OWN: Mapping[str, object] = {}


def read_yaml(name: str) -> dict[str, Any]:
    shared = OmegaConf.load(BASE / "globals.yml")
    OmegaConf.register_new_resolver("globals", lambda name: shared[name], replace=True)
    read = OmegaConf.to_container(OmegaConf.load(BASE / f"parameters_{name}.yml"), resolve=True)
    OmegaConf.clear_resolver("globals")
    return read


def parameters() -> dict[str, Any]:
    return read_yaml("data_engineering")["biometrics"]["data_engineering"]


FEW = {"folds": 2}  # for sets of two or three subjects


def settings(**changes: object) -> DataEngineering:
    given = parameters()
    return DataEngineering.model_validate(given | {"protocol": given["protocol"] | FEW} | changes)


def with_references(**changes: object) -> dict[str, Any]:
    protocol = parameters()["protocol"]
    return protocol | {"reference_captures": protocol["reference_captures"] | changes}


def run(
    captures: Path | str,
    data: Path,
    layout: str = "auto",
    own: Mapping[str, object] = NO_OWN,
    **changes: object,
) -> Path:
    """Run the pipeline through the project's own catalog entries; return the folder of its tables."""
    entries = OmegaConf.load(BASE / "catalog_data_engineering.yml")
    entries["_data"] = str(data)
    OmegaConf.register_new_resolver("runtime_params", lambda *_: str(captures), replace=True)
    OmegaConf.register_new_resolver("globals", lambda *_: str(captures), replace=True)
    config = OmegaConf.to_container(entries, resolve=True)
    OmegaConf.clear_resolver("runtime_params")
    OmegaConf.clear_resolver("globals")
    del config["_data"]
    resolved = {name.replace("{workload}.", ""): entry for name, entry in config.items()}
    resolved = json.loads(json.dumps(resolved).replace("{workload}", "biometrics"))
    catalog = DataCatalog.from_config(resolved)
    catalog["params:layout"] = layout
    catalog["params:layouts"] = Layouts.model_validate(read_yaml("sources")["layouts"] | own)
    catalog["params:data_engineering"] = settings(**changes)
    catalog["params:seed"] = 1
    SequentialRunner().run(create_pipeline(), catalog)
    return data / "02_intermediate" / "biometrics"


def picture(number: int) -> bytes:
    from io import BytesIO

    buffer = BytesIO()
    pixels = np.random.default_rng(number).integers(0, 255, (40, 40), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "BMP")
    return buffer.getvalue()


def kaggle_tree(root: Path, subjects: int = 3) -> None:
    number = 0
    for subject in range(1, subjects + 1):
        for side in ("left", "right"):
            for capture in range(1, 6):
                number += 1
                write(root / f"{subject}/{side}/name{side[0]}{capture}.bmp", picture(number))
            write(root / f"{subject}/{side}/desktop.ini", b"[.ShellClassInfo]")
        for finger in ("Left_index", "Right_thumb"):
            number += 1
            path = f"{subject}/Fingerprint/{subject}__{'FM'[subject % 2]}_{finger}_finger.BMP"
            write(root / path, picture(number))


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def rearrange(source: Path, target: Path, name: Callable[[pd.Series], str], manifest: pd.DataFrame) -> None:
    for _, row in manifest.iterrows():
        path = target / name(row)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / row["path"], path)


def plain(row: pd.Series) -> str:
    if row["modality"] == "fingerprint":
        sex = row["sex"][0].upper()
        return f"{row['subject_id']}/fingerprint/{row['instance']}_{row['capture_index']}_{sex}.bmp"
    return f"{row['subject_id']}/{row['modality']}/{row['capture_index']}.bmp"


def nested(row: pd.Series) -> str:
    path = plain(row).replace("iris_", "iris/").replace(".bmp", ".BMP")
    return f"some set/deeper/{path}"


def flat(row: pd.Series) -> str:
    sex = row["sex"][0]
    return f"{row['modality']}-{row['instance']}-{row['subject_id']}-{row['capture_index']}-{sex}.bmp"


FLAT = {
    "flat": [
        {
            "pattern": r"(?P<m>iris_\w+)-(?P<side>\w+)-(?P<s>[^-]+)-(?P<c>\d+)-(?P<x>.)\.bmp",
            "subject": "{s}",
            "modality": "{m}",
            "instance": "{side}",
            "capture": "{c}",
            "sex": "{x}",
            "values": {"sex": {"m": "male", "f": "female"}},
        },
        {
            "pattern": r"fingerprint-(?P<h>\w+)_(?P<f>\w+)-(?P<s>[^-]+)-(?P<c>\d+)-(?P<x>.)\.bmp",
            "subject": "{s}",
            "modality": "fingerprint",
            "instance": "{h}_{f}",
            "capture": "{c}",
            "sex": "{x}",
            "hand": "{h}",
            "finger": "{f}",
            "values": {"sex": {"m": "male", "f": "female"}},
        },
    ]
}


def check_four_arrangements(captures: Path, folder: Path) -> pd.DataFrame:
    original = pd.read_parquet(run(captures, folder / "data", own=FLAT) / "manifest.parquet")
    for number, name in enumerate((plain, nested, flat)):
        root = folder / f"arrangement{number}"
        rearrange(captures, root, name, original)
        again = pd.read_parquet(run(root, folder / f"data{number}", own=FLAT) / "manifest.parquet")
        assert set(again["path"]).isdisjoint(original["path"])
        pd.testing.assert_frame_equal(again.drop(columns="path"), original.drop(columns="path"))
        shutil.rmtree(root)
    return original


def test_the_same_images_in_four_arrangements_give_the_same_manifest(tmp_path: Path) -> None:
    kaggle_tree(tmp_path / "captures" / "IRIS and FINGERPRINT DATASET")
    manifest = check_four_arrangements(tmp_path / "captures", tmp_path)
    assert len(manifest) == 3 * 12
    assert manifest["sex"].notna().all()


def test_every_file_is_one_row_and_the_summary_counts_them(tmp_path: Path) -> None:
    captures = tmp_path / "captures"
    kaggle_tree(captures)
    write(captures / "1/left/x7.bmp", (captures / "2/left/namel1.bmp").read_bytes())
    write(captures / "3/left/x8.bmp", picture(99)[:500])
    (captures / "3/left/x9.bmp").symlink_to(PROJECT / "LICENSE")
    folder = run(captures, tmp_path / "data")
    manifest, rejected = (pd.read_parquet(folder / f"{name}.parquet") for name in ("manifest", "rejected"))
    files = [path.relative_to(captures).as_posix() for path in captures.rglob("*") if not path.is_dir()]
    assert sorted([*manifest["path"], *rejected["path"]]) == sorted(files)
    reasons = rejected.set_index("path")["reason"]
    assert reasons["1/left/x7.bmp"] == reasons["2/left/namel1.bmp"] == "duplicate_across_subjects"
    assert reasons["3/left/x8.bmp"] == "truncated"
    assert reasons["3/left/x9.bmp"] == "link_outside_root"
    summary = json.loads((tmp_path / "data/08_reporting/biometrics/capture_summary.json").read_text())
    assert summary["files"] == len(files)
    assert summary["accepted"] == len(manifest) == 35
    assert summary["reasons"]["not_an_image"] == 6
    assert summary["modalities"] == {"fingerprint": 6, "iris_left": 14, "iris_right": 15}
    assert summary["roles"] == {"probe": 12, "reference": 23}


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    kaggle_tree(tmp_path / "captures")
    names = ("manifest.parquet", "assignments.parquet", "rejected.parquet", "candidates.parquet")
    one, two = (run(tmp_path / "captures", tmp_path / data) for data in ("data1", "data2"))
    assert [digest(one / name) for name in names] == [digest(two / name) for name in names]
    assert not list((tmp_path / "data1").rglob("*partial*"))


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_manifest_has_a_fixed_schema_even_where_columns_are_empty(tmp_path: Path) -> None:
    kaggle_tree(tmp_path / "captures", subjects=2)
    schema = pq.read_schema(run(tmp_path / "captures", tmp_path / "data") / "manifest.parquet")
    kinds = {"str": "large_string", "float64": "double"}
    expected = {name: kinds.get(kind, kind) for name, kind in MANIFEST.items()}
    assert {field.name: str(field.type) for field in schema} == expected


@pytest.mark.parametrize("kind", ["closed_set", "subject_disjoint", "open_set"])
def test_the_manifest_shows_the_protocol_of_its_kind_and_the_assignments_all(
    tmp_path: Path, kind: str
) -> None:
    kaggle_tree(tmp_path / "captures", subjects=10)
    folder = run(tmp_path / "captures", tmp_path / "data", protocol=parameters()["protocol"] | {"kind": kind})
    manifest, assignments = (
        pd.read_parquet(folder / f"{name}.parquet") for name in ("manifest", "assignments")
    )
    assert set(manifest["protocol"]) == {kind}
    assert assignments.groupby("protocol")["fold"].nunique().to_dict() == {
        "closed_set": 1,
        "subject_disjoint": 5,
        "open_set": 1,
    }
    shown = assignments[(assignments["protocol"] == kind) & (assignments["fold"] == 0)]
    given = ["capture_id", "subject_id", "role", "split"]
    pd.testing.assert_frame_equal(manifest[given], shown[given].reset_index(drop=True))
    require_no_leak(assignments, manifest)


def test_the_assignments_do_not_depend_on_the_kind(tmp_path: Path) -> None:
    kaggle_tree(tmp_path / "captures")
    kinds = [parameters()["protocol"] | FEW | {"kind": kind} for kind in ("closed_set", "open_set")]
    one, two = (
        run(tmp_path / "captures", tmp_path / kind["kind"], protocol=kind) / "assignments.parquet"
        for kind in kinds
    )
    assert digest(one) == digest(two)


def test_few_people_fall_into_fewer_folds_than_asked_for_and_the_run_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kaggle_tree(tmp_path / "captures")
    protocol = parameters()["protocol"] | {"folds": 4}
    folder = run(tmp_path / "captures", tmp_path / "data", protocol=protocol)
    assignments = pd.read_parquet(folder / "assignments.parquet")
    assert assignments.groupby("protocol")["fold"].nunique()["subject_disjoint"] == 1
    assert "subject_disjoint: 1 fold instead of 4, so that each tests two of the 3" in caplog.text


def test_references_by_share_are_chosen_by_their_kind(tmp_path: Path) -> None:
    kaggle_tree(tmp_path / "captures", subjects=6)
    protocol = parameters()["protocol"]
    protocol["reference_captures"]["kind"] = "share"
    folder = run(tmp_path / "captures", tmp_path / "data", protocol=protocol)
    manifest = pd.read_parquet(folder / "manifest.parquet")
    assert manifest.groupby("capture_index")["role"].nunique().max() == 2  # not by the index


def test_captures_on_another_filesystem_give_the_same_manifest(tmp_path: Path) -> None:
    kaggle_tree(tmp_path / "captures")
    remote = f"memory://{tmp_path.name}/captures"
    memory = fsspec.filesystem("memory")
    memory.put(str(tmp_path / "captures"), f"/{tmp_path.name}/captures", recursive=True)
    local = pd.read_parquet(run(tmp_path / "captures", tmp_path / "data1") / "manifest.parquet")
    pd.testing.assert_frame_equal(
        pd.read_parquet(run(remote, tmp_path / "data2", workers=2) / "manifest.parquet"), local
    )
    memory.rm(f"/{tmp_path.name}", recursive=True)


def test_no_usable_capture_is_refused_with_an_example_and_the_rejected_files_are_kept(tmp_path: Path) -> None:
    write(tmp_path / "captures" / "1" / "desktop.ini", b"x")
    with pytest.raises(InputError, match=r"most as not_an_image: 1/desktop\.ini"):
        run(tmp_path / "captures", tmp_path / "data")
    assert len(pd.read_parquet(tmp_path / "data/02_intermediate/biometrics/rejected.parquet")) == 1


def test_images_that_no_pattern_reads_are_refused_with_the_way_out(tmp_path: Path) -> None:
    write(tmp_path / "captures" / "photo.bmp", picture(1))
    with pytest.raises(InputError, match=r"most as unmatched_name: photo\.bmp .*--params=layout=NAME"):
        run(tmp_path / "captures", tmp_path / "data")


def test_the_projects_catalog_refuses_to_save_another_table_as_the_manifest(tmp_path: Path) -> None:
    configure_project("selfsame")
    with KedroSession.create(PROJECT, runtime_params={"data": str(tmp_path)}) as session:
        catalog = session.load_context().catalog
        with pytest.raises(DatasetError, match="expected the manifest to have the columns"):
            catalog.save("biometrics.manifest", pd.DataFrame({"path": ["x"]}))
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_set_of_prints_is_a_workload_of_its_own(
    kedro: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    for number in range(6):
        write(tmp_path / f"captures/DB9_B/{101 + number // 3}_{1 + number % 3}.bmp", picture(number))
    roots = f"captures={tmp_path}/captures,data={tmp_path}/data,layout=fvc"
    chosen = ("--pipelines", "fingerprints", "--tags", "data_engineering")
    done = kedro(*chosen, f"--params={roots}")
    assert done.returncode == 0, done.stderr
    tables = tmp_path / "data/02_intermediate/fingerprints"
    manifest, assignments = (
        pd.read_parquet(tables / f"{name}.parquet") for name in ("manifest", "assignments")
    )
    assert manifest.groupby("subject_id")["capture_index"].apply(list).to_dict() == {
        "101": [1, 2, 3],
        "102": [1, 2, 3],
    }
    everyone = assignments[assignments["protocol"] == "subject_disjoint"]
    assert set(everyone[["fold", "role", "split"]].itertuples(index=False, name=None)) == {
        (0, "both", "test")
    }


@pytest.mark.parametrize("workload", ["irises", "fingerprints"])
def test_a_workload_of_one_trait_differs_from_the_main_one_where_it_must(workload: str) -> None:
    own, main = (read_yaml("data_engineering")[name]["data_engineering"] for name in (workload, "biometrics"))
    assert own["protocol"].pop("folds") == 1
    assert own["protocol"]["reference_captures"].pop("indices") == [1]
    del main["protocol"]["folds"], main["protocol"]["reference_captures"]["indices"]
    assert own == main


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_pixel": 1}, "max_pixel"),
        ({"workers": 0}, "workers"),
        ({"protocol": parameters()["protocol"] | {"kind": "open"}}, "closed_set.*subject_disjoint"),
        ({"protocol": parameters()["protocol"] | {"testshare": 0.5}}, "testshare"),
        # What a kind does not use is checked all the same: the kind alone may switch at any time.
        ({"protocol": parameters()["protocol"] | {"folds": 0}}, "folds"),
        ({"protocol": parameters()["protocol"] | {"unenrolled_share": 0.0}}, "unenrolled_share"),
        ({"protocol": with_references(kind="listed", share=0.0)}, "share"),
        ({"protocol": with_references(kind="share", indices=[])}, "indices"),
        ({"protocol": with_references(kind="share", indices=[1, 1])}, "each capture index once, got 1, 1"),
    ],
)
def test_wrong_parameters_are_refused_before_any_work(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        settings(**change)


@pytest.mark.real
def test_the_real_set_gives_900_captures_and_183_rejected_files(real_captures: Path, tmp_path: Path) -> None:
    one, two = (run(real_captures, tmp_path / data) for data in ("data1", "data2"))
    manifest, rejected = (pd.read_parquet(one / f"{name}.parquet") for name in ("manifest", "rejected"))
    assert (len(manifest), len(rejected)) == (900, 183)
    assert rejected["reason"].value_counts().to_dict() == {"not_an_image": 183}
    assert manifest["subject_id"].nunique() == 45
    assert manifest.groupby(["subject_id", "modality"]).size().unstack().drop_duplicates().to_dict(
        "records"
    ) == [{"fingerprint": 10, "iris_left": 5, "iris_right": 5}]
    assert manifest.groupby("subject_id")["sex"].first().value_counts().to_dict() == {
        "male": 34,
        "female": 11,
    }
    assert digest(one / "manifest.parquet") == digest(two / "manifest.parquet")


@pytest.mark.real
def test_the_real_set_in_four_arrangements_gives_the_same_manifest(
    real_captures: Path, tmp_path: Path
) -> None:
    assert len(check_four_arrangements(real_captures, tmp_path)) == 900

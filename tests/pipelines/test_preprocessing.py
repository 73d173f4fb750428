"""The preprocessing pipeline: nodes and datasets together, on made-up captures."""

import hashlib
import importlib
import os
import shutil
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, DatasetError, MemoryDataset
from kedro.runner import SequentialRunner
from pydantic import ValidationError

from selfsame.datasets.arrays import ArraysDataset, MadeShardsDataset
from selfsame.datasets.file_tree import FileTree
from selfsame.datasets.validators import IndexValidator
from selfsame.errors import MismatchError
from selfsame.imaging.normalised import Normalised
from selfsame.pipelines.preprocessing import create_pipeline
from selfsame.pipelines.preprocessing.nodes import index_arrays, normalise_captures
from selfsame.pipelines.preprocessing.params import PreprocessingParameters
from selfsame.pipelines.preprocessing.recipes import build_recipe, digest_recipe, list_code
from selfsame.shards.arrays import ShardedArrays
from selfsame.shards.checksums import checksum

DISTORTION = {
    "translation_share": 0.02, "rotation_deg": 4.0, "elastic_share": 0.01, "elastic_reach_share": 0.25,
    "pressure": 0.3, "scratches": 1.0, "dry_share": 0.05, "crop_share": 0.1, "noise_share": 0.1,
}  # fmt: skip

FINGERS = [(subject, instance) for subject in "abcdefgh" for instance in ("left_index", "right_thumb")]


def make_normalisation(side, count, distortion=DISTORTION, **resolution):
    synthetic = {"count": count, "distortion": distortion}
    size = {"target_dpi": None, "assumed_dpi": 500, "trust_files": True, **resolution}
    return {
        "kind": "fingerprint", "height": side, "width": side, "resolution": size,
        "synthetic_impressions": synthetic,
    }  # fmt: skip


def make_parameters(**changes):
    block = {
        "modality": "fingerprint",
        "backend": "sequential",
        "workers": 1,
        "rows_per_shard": 8,
        "max_pixels": 100_000,
        "normalisation": make_normalisation(48, count=1),
    }
    return PreprocessingParameters.model_validate({**block, **changes})


def draw_print(seed):
    """An oval of ridges on a light ground."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:103, :96] - np.array([51.0, 48.0])[:, None, None]
    period_px, turn_rad = rng.uniform(7, 9), rng.uniform(0, np.pi)
    ridges = np.cos(2 * np.pi * np.hypot(x - 20 * np.cos(turn_rad), y - 20 * np.sin(turn_rad)) / period_px)
    print_ = np.where((x / 38) ** 2 + (y / 45) ** 2 < 1, 128 + 90 * ridges, 235)
    return np.clip(print_ + rng.normal(0, 3, print_.shape), 0, 255).astype(np.uint8)


def list_row(root, subject, instance, index, protocol="closed_set", split=None):
    path = f"{subject}_{instance}_{index}.bmp"
    content = (root / path).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    role = "reference" if index == 1 else "probe"
    split = split or ("train" if role == "reference" else "test")
    return {
        "capture_id": digest[:24], "subject_id": subject, "modality": "fingerprint", "instance": instance,
        "capture_index": np.int32(index), "path": path, "role": role, "split": split, "protocol": protocol,
        "xxh128": checksum(content), "bytes": len(content), "resolution_dpi": np.nan,
    }  # fmt: skip


@pytest.fixture(scope="session")
def prints(tmp_path_factory):
    """Prints of eight subjects, two fingers each, one capture a finger; and one more of the first finger."""
    root = tmp_path_factory.mktemp("prints")
    for seed, (subject, instance) in enumerate(FINGERS):
        cv2.imwrite(str(root / f"{subject}_{instance}_1.bmp"), draw_print(seed))
    cv2.imwrite(str(root / "a_left_index_2.bmp"), draw_print(99))
    return root


@pytest.fixture
def manifest(prints):
    return make_manifest(prints)


def make_manifest(root, **given):
    return pd.DataFrame([list_row(root, subject, instance, 1, **given) for subject, instance in FINGERS])


class Rig:
    """One modality's pipeline over a folder."""

    def __init__(self, root, folder):
        self.source = FileTree("file", str(root))
        self.arrays = ArraysDataset(filepath=str(folder))
        self.made = MadeShardsDataset(filepath=str(folder))

    def run(self, manifest, parameters=None, seed=1):
        parameters = parameters or make_parameters()
        before = self.made.load()
        self.arrays.save(normalise_captures(manifest, self.source, before, parameters, seed))
        arrays = self.arrays.load()
        index, timings = index_arrays(arrays, manifest, parameters)
        IndexValidator().validate(index)
        return arrays, index, timings, self.made.load().made - before.made


def gather_all(arrays):
    return arrays.gather(np.arange(len(arrays)))


@pytest.fixture
def rig(prints, tmp_path):
    return Rig(prints, tmp_path / "arrays")


def test_every_capture_has_a_row_and_a_synthetic_impression(rig, manifest):
    arrays, index, timings, _ = rig.run(manifest)
    assert arrays.shape == (32, 2, 48, 48)
    assert index["capture_id"].tolist() == manifest["capture_id"].repeat(2).tolist()
    assert index["impression"].tolist() == [0, 1] * 16
    assert (index["status"] == "ok").all()
    assert sorted(arrays.rows(index["shard"].tolist(), index["row"])) == list(range(32))
    assert timings["impressions"] == 32
    assert timings["images_per_second"] > 0


def test_a_row_is_its_capture_normalised(rig, manifest, prints):
    from selfsame.fingerprint.normalisation import normalise_fingerprint

    arrays, index, *_ = rig.run(manifest)
    captures = index[index["impression"] == 0]
    batch = arrays.gather(arrays.rows(captures["shard"].tolist(), captures["row"]))
    for got, path in zip(batch, manifest["path"], strict=True):
        expected = normalise_fingerprint(
            cv2.imread(str(prints / path), cv2.IMREAD_GRAYSCALE), height=48, width=48
        )
        np.testing.assert_array_equal(got, [expected.image, expected.mask])


def test_synthetic_impressions_are_probes_of_the_test_split_where_subjects_are_known(rig, manifest):
    _, index, *_ = rig.run(manifest)
    found = set(index[["impression", "role", "split"]].itertuples(index=False, name=None))
    assert found == {(0, "reference", "train"), (1, "probe", "test")}


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_synthetic_impressions_stay_in_the_split_of_their_capture(rig, prints, split):
    _, index, *_ = rig.run(make_manifest(prints, protocol="subject_disjoint", split=split))
    assert (index["split"] == split).all()
    assert (index.loc[index["impression"] > 0, "role"] == "probe").all()


def test_no_impression_is_made_up_where_any_finger_has_two_captures(rig, manifest, prints, caplog):
    second = pd.DataFrame([list_row(prints, "a", "left_index", 2)])
    _, index, *_ = rig.run(pd.concat([manifest, second], ignore_index=True))
    assert (index["impression"] == 0).all()
    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warned) == 1
    assert "fingerprint: 15 instances have one capture and 1 have more, so no synthetic" in warned[0]


def test_fingers_that_all_have_one_capture_give_no_warning(rig, manifest, caplog):
    _, index, *_ = rig.run(manifest)
    assert set(index["protocol"]) == {"closed_set"}
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_other_modalities_are_left_alone(rig, manifest):
    other = manifest.assign(modality="iris_left", path="not there")
    _, index, *_ = rig.run(pd.concat([other, manifest], ignore_index=True))
    assert set(index["modality"]) == {"fingerprint"}
    assert (index["status"] == "ok").all()


def test_a_second_run_makes_nothing(rig, manifest):
    arrays, index, *_ = rig.run(manifest)
    again, index_again, _, made = rig.run(manifest)
    assert not made
    np.testing.assert_array_equal(gather_all(again), gather_all(arrays))
    pd.testing.assert_frame_equal(index_again, index)


def test_a_removed_capture_leaves_and_touches_one_shard(rig, manifest):
    arrays, *_ = rig.run(manifest)
    _, index, _, made = rig.run(manifest.drop(index=3))
    assert len(made) == 1
    assert manifest["capture_id"][3] not in set(index["capture_id"])
    assert len(rig.arrays.load().records) == len(arrays.records)


def copy_captures(manifest, prints, folder):
    folder.mkdir()
    for path in manifest["path"]:
        shutil.copy(prints / path, folder)
    return folder


def test_one_changed_capture_makes_one_shard_again(manifest, prints, tmp_path):
    root = copy_captures(manifest, prints, tmp_path / "copy")
    rig = Rig(root, tmp_path / "arrays")
    rig.run(manifest)
    path = root / manifest["path"][5]
    path.write_bytes(path.read_bytes() + b"?")  # the picture is the same, the bytes are not
    _, index, _, made = rig.run(make_manifest(root))
    assert len(made) == 1
    assert (index["status"] == "ok").all()


def test_a_file_that_is_only_younger_makes_nothing(manifest, prints, tmp_path):
    root = copy_captures(manifest, prints, tmp_path / "copy")
    rig = Rig(root, tmp_path / "arrays")
    rig.run(manifest)
    os.utime(root / manifest["path"][5])
    assert not rig.run(make_manifest(root))[3]


def test_another_size_or_seed_makes_every_shard_again(rig, manifest):
    arrays, *_ = rig.run(manifest)
    assert len(rig.run(manifest, seed=2)[3]) == len(arrays.records)
    smaller = make_parameters(normalisation=make_normalisation(32, count=0))
    assert len(rig.run(manifest, smaller)[3]) == len(rig.arrays.load().records)
    assert rig.arrays.load().shape == (16, 2, 32, 32)
    assert not rig.run(manifest, smaller, seed=3)[3]  # nothing is drawn, so the seed does not matter


@pytest.mark.parametrize(("backend", "workers"), [("threading", 2), ("loky", 2)])
def test_backends_write_the_same_bytes(rig, manifest, prints, tmp_path, backend, workers):
    rig.run(manifest)
    other = Rig(prints, tmp_path / "other")
    other.run(manifest, make_parameters(backend=backend, workers=workers))
    expected = {path.name: path.read_bytes() for path in (tmp_path / "arrays").glob("*.npy")}
    assert {path.name: path.read_bytes() for path in (tmp_path / "other").glob("*.npy")} == expected


def test_a_flipped_byte_is_repaired_by_running_again(rig, manifest, tmp_path):
    arrays, *_ = rig.run(manifest)
    before = gather_all(arrays)
    damaged = min((tmp_path / "arrays").glob("*.npy"))
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(DatasetError, match=f"shard {damaged.stem}"):
        rig.arrays.load()
    again, _, _, made = rig.run(manifest)
    assert made == {damaged.stem}
    np.testing.assert_array_equal(gather_all(again), before)


def test_a_file_that_vanished_is_a_failure_until_it_is_back(manifest, prints, tmp_path):
    root = tmp_path / "copy"
    root.mkdir()
    for path in manifest["path"][1:]:
        shutil.copy(prints / path, root / path)
    rig = Rig(root, tmp_path / "arrays")
    _, index, timings, _ = rig.run(manifest)
    assert index.loc[index["status"] == "failed", "reason"].tolist() == ["missing_file", "missing_file"]
    assert timings["failed"] == 2
    shutil.copy(prints / manifest["path"][0], root)
    _, index, _, made = rig.run(manifest)
    assert len(made) == 1
    assert (index["status"] == "ok").all()


def test_a_modality_without_captures_has_empty_arrays_and_an_empty_index(rig, manifest):
    arrays, index, timings, _ = rig.run(manifest, make_parameters(modality="iris_left"))
    assert arrays.shape == (0, 2, 48, 48)
    assert len(index) == 0
    assert timings["images_per_second"] == 0


def test_arrays_that_lack_a_capture_of_the_manifest_are_a_mismatch(rig, manifest):
    arrays, *_ = rig.run(manifest[:10])
    with pytest.raises(MismatchError, match=r"they lack 6 fingerprint captures.*run preprocessing"):
        index_arrays(arrays, manifest, make_parameters())


def test_a_folder_of_raw_captures_that_is_read_only_is_enough(rig, manifest, prints):
    before = {path.name: path.stat().st_mtime_ns for path in prints.iterdir()}
    rig.run(manifest)
    assert {path.name: path.stat().st_mtime_ns for path in prints.iterdir()} == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"workers": 0}, "workers of 1 or more, or -1"),
        ({"backend": "spark"}, "backend"),
        ({"address": "tcp://127.0.0.1:8786"}, "an address with the backends dask and ray only"),
        ({"address": "127.0.0.1:8786", "backend": "dask"}, "an address such as tcp://host:8786"),
        ({"address": "tcp://127.0.0.1:8786", "backend": "ray"}, "ray://host:10001 with ray"),
        ({"rows_per_shard": 0}, "rows_per_shard"),
        ({"heigth": 3}, "heigth"),
        ({"normalisation": {"kind": "palm", "height": 3, "width": 3}}, "palm"),
        ({"normalisation": {"kind": "iris", "height": 3, "width": 3, "depth": 3}}, "depth"),
        ({"normalisation": make_normalisation(48, 1, target_dpi=0)}, "target_dpi"),
        ({"normalisation": make_normalisation(48, 1, assumed_dpi=None)}, "assumed_dpi"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(change, message):
    with pytest.raises(ValidationError, match=message):
        make_parameters(**change)


def test_a_misspelt_distortion_is_refused():
    distortion = {**DISTORTION, "rotation": 3.0}
    with pytest.raises(ValidationError, match="rotation"):
        make_parameters(normalisation=make_normalisation(3, count=1, distortion=distortion))


def test_the_pipeline_runs_in_kedro(prints, manifest, tmp_path):
    folder = str(tmp_path / "arrays")
    catalog = DataCatalog(
        {
            "manifest": MemoryDataset(manifest),
            "captures": MemoryDataset(FileTree("file", str(prints))),
            "made_shards": MadeShardsDataset(filepath=folder),
            "arrays": ArraysDataset(filepath=folder),
            "params:preprocessing": MemoryDataset(make_parameters()),
            "params:seed": MemoryDataset(1),
        }
    )
    outputs = SequentialRunner().run(create_pipeline(), catalog)
    assert set(outputs) == {"index", "timings"}
    assert isinstance(catalog.load("arrays"), ShardedArrays)
    assert len(outputs["index"].load()) == 32
    assert sorted(path.suffix for path in Path(folder).iterdir()) == [".json"] * 4 + [".npy"] * 4


class Sizes:
    """Stands for the normalisation of prints, and writes down what it is given."""

    def __init__(self):
        self.given = []

    def __call__(self, image, *, height, width, resolution_dpi=None, target_dpi=None):
        self.given.append((resolution_dpi, target_dpi))
        blank = np.zeros((height, width), np.uint8)
        return Normalised(blank, blank, {})


@pytest.fixture
def sizes(monkeypatch):
    stand_in = Sizes()
    monkeypatch.setattr("selfsame.fingerprint.normalisation.normalise_fingerprint", stand_in)
    return stand_in


def at_500_dpi(**resolution):
    size = {"target_dpi": 500.0, "assumed_dpi": 450.0, **resolution}
    return make_parameters(normalisation=make_normalisation(48, count=1, **size))


@pytest.fixture
def stated(manifest):
    """The manifest, where the files of the first three captures state a resolution."""
    return manifest.assign(resolution_dpi=[569.0] * 3 + [np.nan] * (len(manifest) - 3))


def test_prints_are_normalised_by_the_resolution_that_their_file_states_or_the_assumed_one(
    rig, stated, sizes, caplog
):
    caplog.set_level("INFO")
    rig.run(stated, at_500_dpi())
    # Each capture and its synthetic impression, which is of the same size.
    assert Counter(sizes.given) == {(569.0, 500.0): 6, (450.0, 500.0): 26}
    said = [message for message in caplog.messages if "resolution" in message]
    assert said == [
        "fingerprint: the files of 3 captures state a resolution, 13 captures are taken as 450 dpi"
    ]


def test_a_print_is_brought_from_its_resolution_to_that_of_the_arrays(rig, manifest, prints):
    from selfsame.fingerprint.normalisation import normalise_fingerprint

    arrays, index, *_ = rig.run(manifest, at_500_dpi(assumed_dpi=600.0))
    captures = index[index["impression"] == 0]
    batch = arrays.gather(arrays.rows(captures["shard"].tolist(), captures["row"]))
    first = cv2.imread(str(prints / manifest["path"][0]), cv2.IMREAD_GRAYSCALE)
    size = {"height": 48, "width": 48, "target_dpi": 500.0}
    np.testing.assert_array_equal(
        batch[0, 0], normalise_fingerprint(first, resolution_dpi=600.0, **size).image
    )


def test_what_files_state_can_be_distrusted(rig, stated, sizes, caplog):
    caplog.set_level("INFO")
    rig.run(stated, at_500_dpi(trust_files=False))
    assert set(sizes.given) == {(450.0, 500.0)}
    assert "0 captures state a resolution that is trusted, 16 captures are taken as 450 dpi" in caplog.text


def test_without_a_target_nothing_is_said_or_assumed_of_the_resolution(rig, stated, sizes, caplog):
    caplog.set_level("INFO")
    rig.run(stated)
    assert set(sizes.given) == {(None, None)}
    assert "resolution" not in caplog.text


def test_another_resolution_makes_the_shards_of_its_captures_again(rig, stated, sizes):
    rig.run(stated, at_500_dpi())
    assert not rig.run(stated, at_500_dpi())[3]
    other = stated.assign(resolution_dpi=stated["resolution_dpi"].mask(stated.index == 0, 600.0))
    assert len(rig.run(other, at_500_dpi())[3]) == 1


def make_trait(kind):
    size = {"kind": kind, "height": 48, "width": 48}
    return make_parameters(normalisation=make_normalisation(48, 1) if kind == "fingerprint" else size)


@pytest.mark.parametrize(
    ("kind", "deciding", "matching"),
    [
        (
            "iris",
            {"iris.normalisation", "iris.polar_search", "iris.candidates"},
            {"iris.hamming", "iris.codes"},
        ),
        (
            "fingerprint",
            {"fingerprint.frame", "fingerprint.distortion", "imaging.resizing"},
            {"fingerprint.pairing", "fingerprint.template", "fingerprint.comparison"},
        ),
        ("face", {"face.normalisation", "imaging.resizing"}, {"face.eigenfaces"}),
    ],
)
def test_the_code_that_decides_pixels_is_that_of_normalisation_and_decoding(kind, deciding, matching):
    listed = {name.removeprefix("selfsame.") for name in list_code(make_trait(kind))}
    assert deciding | {"imaging.decoding", "imaging.bmp", "imaging.pgm"} <= listed
    assert not listed & (matching | {"imaging.shard_making", "errors"})


@pytest.fixture
def edit(monkeypatch):
    """A function that pretends that a module of the project has another source."""

    def change(module):
        path = Path(importlib.import_module(module).__file__)
        read = Path.read_bytes
        monkeypatch.setattr(
            Path, "read_bytes", lambda self: read(self) + (b"# other\n" if self == path else b"")
        )

    return change


def test_shards_are_made_again_by_other_code_of_the_normalisation_but_models_accept_them(rig, manifest, edit):
    arrays, *_ = rig.run(manifest)
    recipe, shards = arrays.recipe, len(arrays.records)
    edit("selfsame.fingerprint.segmentation")
    again, _, _, made = rig.run(manifest)
    assert len(made) == shards
    assert again.recipe == recipe


@pytest.mark.parametrize("module", ["selfsame.fingerprint.pairing", "selfsame.shards.making"])
def test_an_edit_of_other_code_makes_no_shard_again(rig, manifest, edit, module):
    rig.run(manifest)
    edit(module)
    assert not rig.run(manifest)[3]


@pytest.mark.parametrize("kind", ["iris", "fingerprint", "face"])
def test_another_version_of_a_normalisation_is_another_recipe(kind, monkeypatch):
    before = digest_recipe(make_trait(kind))
    monkeypatch.setattr(f"selfsame.{kind}.normalisation.NORMALISATION_VERSION", 2_000)
    assert digest_recipe(make_trait(kind)) != before


@pytest.mark.parametrize(("module", "library"), [("cv2", "opencv"), ("PIL", "pillow")])
def test_another_version_of_an_imaging_library_makes_every_shard_again(
    rig, manifest, monkeypatch, module, library
):
    arrays, *_ = rig.run(manifest)
    monkeypatch.setattr(f"{module}.__version__", f"another {library}")
    assert len(rig.run(manifest)[3]) == len(arrays.records)


def test_arrays_carry_the_digest_of_their_normalisation(rig, manifest):
    arrays, *_ = rig.run(manifest)
    assert arrays.recipe == digest_recipe(make_parameters())


def test_the_digest_of_the_normalisation_follows_what_decides_the_pixels_of_captures():
    plain = digest_recipe(make_parameters())
    assert digest_recipe(at_500_dpi()) != plain
    assert digest_recipe(make_parameters(normalisation=make_normalisation(32, count=1))) != plain
    assert digest_recipe(make_parameters(normalisation=make_normalisation(48, count=3))) == plain
    assert digest_recipe(make_parameters(workers=2, rows_per_shard=4)) == plain


def test_faces_are_normalised_to_their_size_without_synthetic_impressions():
    face = {"kind": "face", "height": 28, "width": 23}
    recipe = build_recipe(make_parameters(modality="face", normalisation=face), seed=1)
    normalised = recipe.normalise(draw_print(3))
    assert normalised.image.shape == (recipe.height, recipe.width) == (28, 23)
    assert recipe.distort is None

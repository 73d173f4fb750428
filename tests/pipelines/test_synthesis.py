from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner
from pydantic import ValidationError

from selfsame.datasets.captures import CapturesDataset
from selfsame.pipelines.data_engineering.params import Pattern
from selfsame.pipelines.synthesis import create_pipeline
from selfsame.pipelines.synthesis.nodes import synthesise_captures, synthesise_presentations
from selfsame.pipelines.synthesis.params import FaceSynthesisParameters, SynthesisParameters
from selfsame.sources.layouts import Layout

PROJECT = Path(__file__).parents[2]
Block = dict[str, object]


@pytest.fixture
def block() -> Block:
    """The block of the base environment, cut down to four people captured twice by tiny devices."""
    text = (PROJECT / "conf/base/parameters_synthesis.yml").read_text()
    base: Block = deepcopy(yaml.safe_load(text)["biometrics"]["synthesis"])
    small: Block = {
        "subjects": 4,
        "captures_per_eye": 2,
        "captures_per_finger": 3,
        "fingers": ["right_index", "left_thumb"],
        "presentations": {"known_subjects": 2, "unknown_subjects": 1, "per_subject": 1},
    }
    for device, size in {"eye": (48, 64), "fingerprint": (40, 36)}.items():
        small[device] = {**base[device], "height_px": size[0], "width_px": size[1]}
    return base | small


MODALITIES = ("iris_left", "iris_right", "fingerprint")


def run(block: Block, folder: Path, seed: int = 5) -> dict[str, bytes]:
    captures = str(folder / "captures")
    catalog = DataCatalog(
        {
            "biometrics.captures": CapturesDataset(filepath=captures),
            "biometrics.new.captures": CapturesDataset(filepath=captures, new={"path": None}),
            "params:biometrics.synthesis": MemoryDataset(SynthesisParameters.model_validate(block)),
            "params:seed": MemoryDataset(seed),
        }
    )
    pipeline = Pipeline(create_pipeline(MODALITIES), namespace="biometrics", parameters={"params:seed"})
    SequentialRunner().run(pipeline, catalog)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.png"))}


def test_pipeline_writes_every_capture_of_every_subject(block: Block, tmp_path: Path) -> None:
    files = [path for path in run(block, tmp_path) if path.startswith("captures/")]
    assert len(files) == 4 * (2 * 2 + 2 * 3)
    assert files[0] == "captures/s0001/fingerprint/left_thumb_1.png"
    assert files[-1] == "captures/s0004/iris_right/2.png"


def test_pipeline_leaves_no_temporary_folder(block: Block, tmp_path: Path) -> None:
    run(block, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["captures", "new_captures"]


def test_second_run_writes_the_same_bytes(block: Block, tmp_path: Path) -> None:
    assert run(block, tmp_path) == run(block, tmp_path)


def test_shipped_layout_reads_every_path(block: Block, tmp_path: Path) -> None:
    text = (PROJECT / "conf/base/parameters_sources.yml").read_text()
    patterns = [Pattern.model_validate(pattern) for pattern in yaml.safe_load(text)["layouts"]["plain"]]
    layout = Layout("plain", [pattern.to_domain() for pattern in patterns])
    places = [layout.read(path.split("/", 1)[1]) for path in run(block, tmp_path)]
    read = {(place.subject, place.modality, place.instance, place.capture) for place in places if place}
    assert len(read) == len(places) == 50
    assert ("s0004", "iris_right", "right", 2) in read
    assert ("s0001", "fingerprint", "left_thumb", 3) in read


def test_another_seed_writes_other_bytes(block: Block, tmp_path: Path) -> None:
    first, second = run(block, tmp_path / "first", seed=5), run(block, tmp_path / "second", seed=6)
    assert all(first[path] != second[path] for path in first)


def test_presentations_show_known_people_a_stranger_and_a_broken_file(block: Block, tmp_path: Path) -> None:
    files = run(block, tmp_path)
    shown = sorted(path.removeprefix("new_captures/") for path in files if path.startswith("new_captures/"))
    assert [path for path in shown if "fingerprint" in path] == [
        "s0001/fingerprint/right_index_4.png",
        "s0002/fingerprint/right_index_4.png",
        "s0005/fingerprint/right_index_4.png",
    ]
    assert [path for path in shown if path.endswith("/5.png")] == ["s0001/iris_left/5.png"]
    assert not {path.removeprefix("captures/") for path in files} & set(shown)


def test_node_makes_nothing_before_it_is_asked(block: Block) -> None:
    parameters = SynthesisParameters.model_validate(block | {"subjects": 10**9})
    for node in (synthesise_captures, synthesise_presentations):
        files = node(parameters, 5)
        assert isinstance(files, Iterator)
        assert next(files)[0].startswith("s0001/iris_left/")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"subjects": 0}, "subjects\n.*greater than 0"),
        ({"subjects": "many"}, "subjects\n.*valid integer"),
        ({"captures_per_eye": 0}, "captures_per_eye\n.*greater than 0"),
        ({"fingers": ["left_toe"]}, "fingers.0\n.*'left_thumb'"),
        ({"fingers": ["left_thumb", "left_thumb"]}, "expected each finger once in fingers, got left_thumb"),
        ({"fingres": []}, "fingres\n.*not permitted"),
        (
            {"presentations": {"known_subjects": 9, "unknown_subjects": 1, "per_subject": 1}},
            "expected presentations.known_subjects of at most subjects",
        ),
    ],
)
def test_nonsense_is_refused(block: Block, change: Block, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SynthesisParameters.model_validate(block | change)


@pytest.mark.parametrize(
    ("device", "change", "message"),
    [
        ("eye", {"lahses": 3}, "eye.lahses\n.*Unexpected keyword"),
        ("eye", {"dilation_high": 0.95}, "dilation_high"),
        ("fingerprint", {"arch_share": 2.0}, "expected shares of patterns"),
        ("impression", {"rotation_deg": -1.0}, "expected rotation_deg of 0 or more"),
    ],
)
def test_impossible_devices_are_refused(block: Block, device: str, change: Block, message: str) -> None:
    settings = block[device]
    assert isinstance(settings, dict)
    with pytest.raises(ValidationError, match=message):
        SynthesisParameters.model_validate(block | {device: settings | change})


def test_default_sample_is_small_enough_for_a_first_run() -> None:
    text = (PROJECT / "conf/base/parameters_synthesis.yml").read_text()
    parameters = SynthesisParameters.model_validate(yaml.safe_load(text)["biometrics"]["synthesis"])
    captures = 2 * parameters.captures_per_eye + len(parameters.fingers) * parameters.captures_per_finger
    assert parameters.subjects * captures <= 500
    assert parameters.captures_per_eye >= 5
    assert parameters.presentations.unknown_subjects >= 1


def test_faces_are_made_in_the_layout_of_att(tmp_path: Path) -> None:
    text = (PROJECT / "conf/base/parameters_synthesis.yml").read_text()
    block = yaml.safe_load(text)["faces"]["synthesis"] | {"subjects": 3, "captures_per_face": 2}
    block["presentations"] |= {"known_subjects": 1, "unknown_subjects": 1}
    captures = str(tmp_path / "captures")
    catalog = DataCatalog(
        {
            "faces.captures": CapturesDataset(filepath=captures),
            "faces.new.captures": CapturesDataset(filepath=captures, new={"path": None}),
            "params:faces.synthesis": MemoryDataset(FaceSynthesisParameters.model_validate(block)),
            "params:seed": MemoryDataset(5),
        }
    )
    pipeline = Pipeline(create_pipeline(("face",)), namespace="faces", parameters={"params:seed"})
    SequentialRunner().run(pipeline, catalog)
    made = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png")}
    assert made == {
        *(f"captures/s{subject}/{number}.png" for subject in (1, 2, 3) for number in (1, 2)),
        "new_captures/s1/3.png",
        "new_captures/s4/3.png",
    }

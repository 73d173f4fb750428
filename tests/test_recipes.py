"""The recipes of docs/extending.md: their blocks are applied to a copy of the project, which has to work."""

import json
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import timm
import yaml
from kedro.config import OmegaConfigLoader

from selfsame.encoders.design import EncoderDesign
from selfsame.encoders.encoder import Encoder
from selfsame.encoders.pretrained import read_weights
from selfsame.pipelines.training.params import TrainingParameters

PROJECT = Path(__file__).parents[1]
PAGE = PROJECT / "docs" / "extending.md"
CATALOG = ("-m", "pytest", "-q", "tests/test_catalog.py", "-k", "base and (declared or typed)")
LAYERS = ("-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-cache")
HEADINGS = [
    "A comparator",
    "A fusion rule",
    "A metric",
    "A protocol",
    "An encoder",
    "A workload",
    "A modality",
    "A table or a plot",
]
EXTENDING = [heading for heading in HEADINGS if heading not in ("An encoder", "A workload")]
"""The recipes that can be followed together."""


@dataclass(frozen=True)
class Block:
    """A block of code: its language, the file it belongs to, and its lines."""

    language: str
    path: str
    text: str

    def apply(self, project: Path) -> None:
        """Make the file, or change it: the lines without `+` are found, and replaced by those without `-`."""
        path = project / self.path
        if self.language != "diff":
            assert not path.exists()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.text)
            return
        lines = self.text.splitlines()
        before = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
        after = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-"))
        whole = path.read_text()
        if before:
            assert whole.count(f"\n{before}") == 1, f"{self.path} has other lines than\n{before}"
        path.write_text(whole.replace(f"\n{before}", f"\n{after}") if before else whole + after)


def read_page() -> dict[str, list[Block]]:
    """The blocks of each recipe by its heading."""
    sections = re.split(r"^## (.+)$", PAGE.read_text(), flags=re.MULTILINE)[1:]
    fence = re.compile(r"^```(\w+)\n# (\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
    return {
        heading: [Block(*found) for found in fence.findall(text)]
        for heading, text in zip(sections[::2], sections[1::2], strict=True)
    }


RECIPES = read_page()


def copy_project(target: Path, *headings: str) -> Path:
    """A copy of what the project runs from, with recipes applied."""
    for part in ("src", "conf"):
        shutil.copytree(
            PROJECT / part, target / part, ignore=shutil.ignore_patterns("__pycache__", "local", "*.egg-info")
        )
    (target / "conf" / "local").mkdir()
    (target / "tests").mkdir()
    shutil.copy(PROJECT / "tests" / "test_catalog.py", target / "tests")
    for name in ("pyproject.toml", "README.md", "LICENSE", ".telemetry"):
        shutil.copy(PROJECT / name, target)
    for heading in headings:
        for block in RECIPES[heading]:
            block.apply(target)
    return target


def assert_runs(project: Path, *arguments: str) -> None:
    """Run Python with these arguments in a project, as its own code sees it."""
    settings = {
        "PYTHONPATH": str(project / "src"),
        "PATH": str(Path(sys.executable).parent),
        "DO_NOT_TRACK": "1",
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env=settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def training(project: Path) -> TrainingParameters:
    """The parameters of training that a project's configuration gives."""
    merge = {"parameters": "soft", "globals": "soft"}
    loader = OmegaConfigLoader(
        str(project / "conf"), base_env="base", default_run_env="local", merge_strategy=merge
    )
    return TrainingParameters(**loader["parameters"]["biometrics"]["training"])


def build(parameters: TrainingParameters, name: str) -> Encoder:
    """Build an encoder from its parameters, for strips of the shipped size."""
    shape = yaml.safe_load((PROJECT / "conf/base/parameters_preprocessing.yml").read_text())
    size = shape["biometrics"]["iris_left"]["preprocessing"]["normalisation"]
    one = parameters.encoders[name]
    return Encoder(
        EncoderDesign(
            one.name, one.stage, one.channels, one.embedding_size, one.dropout, size["height"], size["width"]
        )
    )


@pytest.fixture
def blocks() -> dict[str, Block]:
    """The blocks of the recipe for encoders, by file."""
    return {block.path: block for block in RECIPES["An encoder"]}


def test_every_block_of_the_page_names_its_file() -> None:
    assert list(RECIPES) == HEADINGS
    assert PAGE.read_text().count("```") == 2 * sum(len(blocks) for blocks in RECIPES.values())


def test_every_link_of_the_page_leads_somewhere() -> None:
    headings = {heading.lower().replace(" ", "-") for heading in HEADINGS}
    for link in re.findall(r"\]\(([^)]+)\)", PAGE.read_text()):
        assert link.removeprefix("#") in headings or (PAGE.parent / link).is_file(), link


def test_an_encoder_is_exchanged_by_its_name(tmp_path: Path, blocks: dict[str, Block]) -> None:
    project = copy_project(tmp_path / "project")
    blocks["conf/local/parameters.yml"].apply(project)
    encoder = build(training(project), "iris")
    assert encoder.design.name == "resnet18"
    assert encoder.design.embedding_size == build(training(PROJECT), "iris").design.embedding_size


def test_each_eye_gets_its_own_encoder(tmp_path: Path, blocks: dict[str, Block]) -> None:
    project = copy_project(tmp_path / "project")
    blocks["conf/base/parameters_training.yml"].apply(project)
    parameters = training(project)
    assert parameters.encoder_of["iris_left"] == "iris"
    assert parameters.encoder_of["iris_right"] == "iris_right"
    assert parameters.encoders["iris_right"] == parameters.encoders["iris"]


def test_stored_weights_of_a_timm_model_are_adopted(
    tmp_path: Path, blocks: dict[str, Block], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The block is run as it stands, but for the network: the weights are those of a fresh model."""
    make = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda name, pretrained: make(name, pretrained=not pretrained))
    monkeypatch.chdir(tmp_path)
    blocks["pretrained.py"].apply(tmp_path)
    stored = runpy.run_path("pretrained.py")["model"].state_dict()
    monkeypatch.undo()
    encoder = build(training(PROJECT), "iris")
    encoder.adopt(read_weights(*tmp_path.glob("*.safetensors")))
    name, taken = next(
        one for one in encoder.backbone.model.state_dict().items() if one[0].startswith("blocks")
    )
    assert bool((taken == stored[name]).all())


def test_everything_that_a_new_workload_asks_for_is_declared(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project", "A workload")
    assert_runs(project, *CATALOG)


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with all recipes that can be followed together."""
    return copy_project(tmp_path_factory.mktemp("extended") / "project", *EXTENDING)


CAPTURES = 32


def draw_palms(root: Path) -> Iterator[Path]:
    """Write four captures of both palms of four people, and one of an empty plate."""
    for person in range(4):
        for side in ("left", "right"):
            lines = np.random.default_rng([person, len(side)]).uniform(0, 255, (8, 8))
            for capture in range(1, 5):
                noise = np.random.default_rng([person, len(side), capture]).normal(0, 8, (120, 140))
                picture = cv2.resize(lines, (140, 120), interpolation=cv2.INTER_CUBIC) + noise
                path = root / f"s{person}" / "palm" / f"{side}_{capture}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), picture.clip(0, 255).astype(np.uint8))
                yield path
    cv2.imwrite(str(root / "s0" / "palm" / "left_5.png"), np.full((120, 140), 200, np.uint8))


@pytest.fixture(scope="module")
def results(extended: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data root of a run of the extended project on palms, which have the new comparator, too."""
    root = tmp_path_factory.mktemp("palms")
    assert sum(1 for _ in draw_palms(root / "captures")) == CAPTURES
    settings = {"kind": "thumbnails", "cells": 12, "least_seen": 0.5}
    palm = {"biometrics": {"palm": {"comparison": {"comparators": {"thumbnails": settings}}}}}
    (extended / "conf/base/parameters_thumbnails_of_palms.yml").write_text(yaml.safe_dump(palm))
    roots = f"captures={root}/captures,data={root}/data"
    assert_runs(
        extended, "-m", "kedro", "run", "--env", "smoke", "--pipelines", "biometrics", f"--params={roots}"
    )
    return root / "data"


@pytest.fixture(scope="module")
def outcomes(results: Path) -> list[dict]:
    """What was measured in that run."""
    return json.loads((results / "08_reporting/biometrics/metrics.json").read_text())["outcomes"]


def test_a_new_modality_runs_from_captures_to_predictions(results: Path) -> None:
    index = pd.read_parquet(results / "04_feature/biometrics/palm/index.parquet")
    assert index["status"].value_counts().to_dict() == {"ok": CAPTURES, "failed": 1}
    assert index["reason"].dropna().tolist() == ["no_palm"]
    predictions = pd.read_parquet(results / "07_model_output/biometrics/predictions.parquet")
    shown = predictions[~predictions["status"].isin(["enrolled", "rejected"])]
    assert set(shown["modalities"]) == {"palm", ""}


def test_a_new_table_has_a_row_for_everybody_under_every_protocol(results: Path) -> None:
    difficulties = pd.read_csv(results / "08_reporting/biometrics/difficulties.csv")
    assert set(difficulties["figure"]) == {"palm"}
    assert set(difficulties["protocol"]) == {"closed_set", "subject_disjoint", "open_set", "first_to_last"}
    own = difficulties[(difficulties["protocol"] == "closed_set") & (difficulties["comparator"] == "cosine")]
    assert sorted(own["probe_subject"]) == ["s0", "s1", "s2", "s3"]


def test_a_new_comparator_is_measured_beside_the_networks(outcomes: list[dict]) -> None:
    measured = {(one["protocol"], one["comparator"]): one["verification"] for one in outcomes}
    assert ("closed_set", "cosine") in measured
    assert measured["closed_set", "thumbnails"]["eer"] == 0  # the palms drawn here differ in little but noise


def test_a_new_metric_is_in_every_outcome_with_its_interval(outcomes: list[dict]) -> None:
    for one in outcomes:
        low, high = one["verification"]["zero_fmr_interval"]
        assert low <= one["verification"]["zero_fmr"] <= high


def test_a_new_protocol_compares_the_first_capture_with_the_last(results: Path) -> None:
    trials = pd.read_parquet(results / "07_model_output/biometrics/trials.parquet")
    own = trials[(trials["protocol"] == "first_to_last") & trials["mated"]]
    manifest = pd.read_parquet(results / "02_intermediate/biometrics/manifest.parquet")
    number = manifest.set_index("capture_id")["capture_index"]
    assert set(number[own["reference"]]) == {1}
    assert sorted(number[own["probe"]]) == [4] * 7 + [5]  # the empty plate is the last capture of its palm


FUSE = """
import numpy as np
from selfsame.matching.score_fusion.fitting import FusionSettings, fit_fusion, read_fusion

mated = np.arange(600) < 200
scores = np.random.default_rng(0).normal(3.0 * mated[:, None], 1.0, (600, 2))
scores[::7, 0] = np.nan
settings = FusionSettings(normalisation="z", weights="d_prime", calibration="logistic", prior=0.5, spread=1.0)
fitted = fit_fusion("largest", scores, mated, None, settings)
alone = [fit_fusion("largest", scores[:, [i]][~np.isnan(scores[:, i])],
                    mated[~np.isnan(scores[:, i])], None, settings) for i in (0, 1)]
expected = np.fmax(*(alone[i].apply(scores[:, [i]]) for i in (0, 1)))
np.testing.assert_allclose(fitted.apply(scores), expected)
assert read_fusion(fitted.to_document()) == fitted
"""


def test_a_new_fusion_rule_is_fitted_and_read_back_by_its_name(extended: Path) -> None:
    assert_runs(extended, "-c", FUSE)


@pytest.mark.parametrize("check", [CATALOG, LAYERS], ids=["catalog", "layers"])
def test_the_recipes_pass_the_projects_own_checks(extended: Path, check: tuple[str, ...]) -> None:
    assert_runs(extended, *check)


@pytest.mark.parametrize("check", [("check",), ("format", "--check")], ids=["ruff", "format"])
def test_what_the_recipes_touch_is_written_as_the_project_is(extended: Path, check: tuple[str, ...]) -> None:
    blocks = [block for heading in EXTENDING for block in RECIPES[heading]]
    touched = sorted({block.path for block in blocks if block.path.endswith(".py")})
    assert touched, "the recipes hold no Python file to check"
    assert_runs(extended, "-m", "ruff", *check, *touched)

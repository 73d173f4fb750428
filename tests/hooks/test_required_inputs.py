"""What earlier stages have to have made, and which of them to run."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from kedro.framework.project import configure_project, pipelines
from kedro.io import DataCatalog
from kedro.io.core import Version
from kedro_datasets.json import JSONDataset

from selfsame.datasets.checkpoint import CheckpointDataset
from selfsame.errors import InputError
from selfsame.hooks.required_inputs import RequiredInputs


class Shelf(DataCatalog):
    """A catalog in which only the datasets named are there."""

    def __init__(self, there: set[str]) -> None:
        super().__init__()
        self._there_are = there

    def get(self, key: str, *_: object, **__: object) -> object:
        return SimpleNamespace(exists=lambda: key in self._there_are)


def made_by(*names: str) -> set[str]:
    return {output for name in names for output in pipelines[name].all_outputs()}


@pytest.mark.parametrize(
    ("asked", "made", "command"),
    [
        ("inference", (), "kedro run"),
        ("evaluation", (), "kedro run --pipelines data_engineering,preprocessing,training"),
        ("training", (), "kedro run --pipelines data_engineering,preprocessing"),
        ("inference", ("data_engineering", "preprocessing"), "kedro run --pipelines training,evaluation"),
        ("evaluation", ("data_engineering",), "kedro run --pipelines preprocessing,training"),
        ("irises_benchmark", (), "kedro run --pipelines irises --tags data_engineering"),
    ],
)
def test_every_stage_that_is_missing_is_named_in_order(
    asked: str, made: tuple[str, ...], command: str
) -> None:
    configure_project("selfsame")
    with pytest.raises(InputError, match=f"is not there: run {command} first, with the same roots"):
        RequiredInputs().before_pipeline_run(pipelines[asked], Shelf(made_by(*made)))


def test_a_run_whose_inputs_are_there_goes_on() -> None:
    configure_project("selfsame")
    made = made_by("data_engineering", "preprocessing", "training", "evaluation")
    assert RequiredInputs().before_pipeline_run(pipelines["inference"], Shelf(made)) is None


def test_a_version_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    configure_project("selfsame")
    for version in ("2026-01-01", "2026-02-02"):
        (tmp_path / "checkpoint" / version / "checkpoint").mkdir(parents=True)
        (tmp_path / "checkpoint" / version / "checkpoint/checkpoint.json").write_text("{}")
    (tmp_path / "checkpoint/2026-03-03/checkpoint").mkdir(parents=True)  # never completed
    asked = CheckpointDataset(filepath=str(tmp_path / "checkpoint"), version=Version("2025", None))
    names = {name for name in pipelines["evaluation"].inputs() if not name.startswith("params:")}
    (tmp_path / "there.json").write_text("{}")
    there = {name: JSONDataset(filepath=str(tmp_path / "there.json")) for name in names}
    catalog = DataCatalog({**there, "biometrics.checkpoint": asked})
    said = (
        r"expected a version of biometrics\.checkpoint that is there, got 2025: choose one of "
        r"2026-02-02, 2026-01-01 with --load-versions"
    )
    with pytest.raises(InputError, match=said):
        RequiredInputs().before_pipeline_run(pipelines["evaluation"], catalog)

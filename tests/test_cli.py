import os
import runpy
import shutil
import signal
import time
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner
from kedro.config import MissingConfigException
from kedro.framework.project import configure_project
from kedro.io import DatasetError
from kedro.pipeline import Node
from kedro.pipeline.pipeline import PipelineError

from selfsame import cli
from selfsame.cli import choose_pipelines, explain
from selfsame.errors import CaptureError, DamagedError, InputError

PROJECT = Path(__file__).parents[1]


def chain(*errors: Exception) -> Exception:
    """The first error, caused by the second, and so on."""
    for error, cause in pairwise(errors):
        error.__cause__ = cause
    return errors[0]


def test_our_own_error_is_found_behind_those_of_kedro() -> None:
    ours = DamagedError("expected a whole shard, got half of one: run preprocessing")
    error = chain(DatasetError("Failed while loading"), ValueError("inner"), ours, EOFError("end"))
    assert explain(error) == str(ours)


def test_of_two_of_our_errors_the_outer_one_is_told() -> None:
    error = chain(DatasetError("Failed"), InputError("outer"), CaptureError("empty", "inner"))
    assert explain(error) == "outer"


def test_the_systems_error_is_told_where_there_is_none_of_ours() -> None:
    system = PermissionError(13, "Permission denied", "/data")
    assert explain(chain(DatasetError("Failed while saving"), system)) == str(system)


def test_another_error_is_told_as_it_is() -> None:
    assert explain(PipelineError("no node named x")) == "no node named x"


def test_an_explanation_is_one_line_without_advertisements() -> None:
    text = "max_epochs\n  Input should be an integer\n    For further information visit https://errors.dev/2/v/int"
    assert explain(ValueError(text)) == "max_epochs Input should be an integer"


def test_an_error_without_a_message_is_told_by_its_name() -> None:
    assert explain(OSError()) == "OSError"


def test_a_single_pipeline_may_be_asked_for_in_the_old_way() -> None:
    assert choose_pipelines({"pipeline": "training", "pipelines": []}) == {
        "pipeline": None,
        "pipelines": ["training"],
    }


def test_pipelines_that_are_named_are_left_alone() -> None:
    options = {"env": "smoke", "pipelines": ["training"], "pipeline": None}
    assert choose_pipelines(options) == options


def test_the_smoke_run_makes_its_own_sample() -> None:
    assert choose_pipelines({"env": "smoke", "pipelines": []})["pipelines"] == ["smoke"]


@pytest.mark.parametrize("option", sorted(set(cli.SELECTIONS) - {"pipelines"}))
def test_a_selection_within_the_smoke_run_is_of_the_main_job(option: str) -> None:
    chosen = choose_pipelines({"env": "smoke", "pipelines": [], option: ["x"]})
    assert chosen["pipelines"] == []


def test_other_environments_run_the_default_pipeline() -> None:
    assert choose_pipelines({"env": "gpu", "pipelines": []}) == {"env": "gpu", "pipelines": []}


def test_every_selection_is_an_option_of_kedro() -> None:
    assert set(cli.SELECTIONS) <= {option.name for option in cli.run.params}


def run_raising(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> click.testing.Result:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(cli.kedro_run, "callback", fail)
    return CliRunner().invoke(cli.run, [])


def test_a_users_mistake_costs_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    done = run_raising(InputError("expected a folder, found none: make one"), monkeypatch)
    assert done.exit_code == 1
    assert done.output == "Error: expected a folder, found none: make one\n"


def test_an_interrupted_run_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    done = run_raising(KeyboardInterrupt(), monkeypatch)
    assert done.exit_code == 1
    assert "run the same command again" in done.output


def test_an_interrupt_that_lightning_made_an_exit_of_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = SystemExit(1)
    stopped.__context__ = KeyboardInterrupt()
    done = run_raising(stopped, monkeypatch)
    assert done.exit_code == 1
    assert "Error: stopped by you; run the same command again" in done.output


def test_another_exit_keeps_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    done = run_raising(SystemExit(7), monkeypatch)
    assert (done.exit_code, done.output) == (7, "")


def test_a_terminated_run_unwinds_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    unwound = []

    def work(**_: object) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)
        finally:
            unwound.append(True)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(cli.kedro_run, "callback", work)
    done = CliRunner().invoke(cli.run, [])
    assert unwound == [True]
    assert done.exit_code == 128 + signal.SIGTERM
    assert done.output == "Error: stopped by SIGTERM; run the same command again to go on from here\n"
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_configuration_that_is_missing_costs_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    done = run_raising(MissingConfigException("Given configuration path does not exist: x"), monkeypatch)
    assert (done.exit_code, done.output) == (1, "Error: Given configuration path does not exist: x\n")


def test_a_mistake_of_the_program_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    done = run_raising(ZeroDivisionError("division by zero"), monkeypatch)
    assert isinstance(done.exception, ZeroDivisionError)


def test_a_value_error_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    done = run_raising(ValueError("a mistake of the program"), monkeypatch)
    assert isinstance(done.exception, ValueError)


def test_a_folder_called_kedro_does_not_make_our_mistakes_kedros(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    module = tmp_path / "kedro" / "nodes.py"
    module.parent.mkdir()
    module.write_text("raise ValueError('a mistake of the program')")
    monkeypatch.setattr(cli.kedro_run, "callback", lambda **_: runpy.run_path(str(module)))
    assert isinstance(CliRunner().invoke(cli.run, []).exception, ValueError)


def test_what_kedro_refuses_costs_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kedro raises plain ValueErrors: for an empty node, or for a name that is no pipeline."""
    monkeypatch.setattr(cli.kedro_run, "callback", lambda **_: Node(len, None, None))
    done = CliRunner().invoke(cli.run, [])
    assert done.exit_code == 1
    assert done.output.startswith("Error: ")


def test_the_result_of_a_run_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.kedro_run, "callback", lambda **options: options)
    found = cli.run.callback(env="smoke", pipelines=())
    assert found == {"env": "smoke", "pipelines": ["smoke"]}


def test_the_command_is_found_by_the_name_that_kedro_looks_for() -> None:
    assert cli.cli.name == "selfsame"
    assert list(cli.cli.commands) == ["run", "model-card"]
    assert Path(cli.__file__).name == "cli.py"


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ([], "data"),
        (["--env", "smoke"], "build/smoke"),
        (["--params=data=somewhere/else"], "somewhere/else"),
    ],
)
def test_the_model_card_is_made_from_the_metrics_of_the_data_root(
    options: list[str], place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(make_project(tmp_path))
    done = CliRunner().invoke(cli.cli, ["model-card", *options])
    assert done.exit_code == 1
    found = " ".join(done.output.split())
    assert f"evaluation at {place}/08_reporting/biometrics/metrics.json, found no file" in found


def make_project(root: Path) -> Path:
    """A project of the same configuration without data."""
    shutil.copytree(PROJECT / "conf", root / "conf", ignore=shutil.ignore_patterns("local"))
    (root / "conf/local").mkdir()
    shutil.copy(PROJECT / "pyproject.toml", root)
    configure_project("selfsame")
    return root


# A newcomer's mistakes, from the command to the line


def say(project: Path, *options: str, files: dict[str, str] | None = None) -> str:
    """What a run that fails says, without the word before it."""
    for name, text in (files or {}).items():
        (project / "conf/local" / name).write_text(text)
    done = CliRunner().invoke(cli.run, options)
    assert done.exit_code == 1, done.exception
    *_, line = done.output.splitlines()
    assert line.startswith("Error: "), done.output
    return line.removeprefix("Error: ")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of one's own, in which commands are given."""
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(make_project(root))
    return root


@pytest.mark.parametrize("root", ["data", "captures", "new_captures", "arrays"])
def test_a_root_of_an_unset_variable_writes_nothing(project: Path, root: str) -> None:
    before = sorted(project.iterdir())
    assert say(project, f"--params={root}=").startswith(f"expected a path for {root}, got nothing: give")
    assert sorted(project.iterdir()) == before


def test_a_slip_in_a_configuration_file_costs_one_line(project: Path) -> None:
    said = say(project, files={"globals.yml": "captures: /x\n\tdata: /y\n"})
    assert said == (
        f"expected YAML in {project}/conf/local/globals.yml, got a slip in line 2, column 1: "
        "tabs are not allowed in indentation; indent with spaces"
    )


def test_a_key_given_twice_costs_one_line(project: Path) -> None:
    said = say(project, files={"parameters.yml": "seed: 1\nseed: 2\n"})
    assert "conf/local/parameters.yml" in said
    assert "line 2" in said
    assert "duplicate key seed" in said


def test_a_reference_to_nothing_costs_one_line(project: Path) -> None:
    said = say(project, files={"parameters.yml": "seed: ${globals:sed}\n"})
    assert "sed" in said


def test_a_path_with_a_comma_is_told_where_to_write_it(project: Path) -> None:
    said = say(project, "--params=data=a,b/c")
    assert said == (
        "expected --params=NAME=VALUE,NAME=VALUE, got 'data=a,b/c': give each name a value; a comma begins "
        "the next parameter, so a path with a comma has its place in conf/local/globals.yml"
    )


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--namespaces=biometrics.fingerprnt", "did you mean biometrics.fingerprint"),
        ("--tags=evalution", "did you mean evaluation?"),
        ("--env=gpuu", "did you mean gpu?"),
        ("--nodes=train", "did you mean --pipelines training?"),
        ("--nodes=split_capture", "did you mean biometrics.split_captures?"),
        ("--pipelines=trainng", "did you mean training?"),
        ("--load-versions=biometrics.chekpoint:x", "did you mean biometrics.checkpoint"),
    ],
)
def test_a_misspelt_part_of_the_graph_is_told_with_the_right_one(
    project: Path, option: str, said: str
) -> None:
    assert said in say(project, option)


def test_a_wrong_value_is_told_without_the_names_of_classes(project: Path) -> None:
    said = say(project, "--params=biometrics.training.max_epochs=two", "--pipelines=evaluation")
    assert said.startswith("expected biometrics.training.max_epochs to be a whole number, got 'two': correct")


def test_outside_a_project_the_command_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert say(tmp_path).startswith(
        f"expected to be inside the project (the folder with pyproject.toml and conf/), got {tmp_path}: cd"
    )


def test_relative_roots_count_from_the_folder_of_the_command(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "docs").mkdir()
    monkeypatch.chdir(project / "docs")
    found = cli.prepare({"params": {"data": "../outx", "seed": 1}})
    assert found["params"] == {"data": f"{project}/docs/../outx", "seed": 1}


def test_from_another_folder_of_the_project_the_log_is_the_projects(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = []
    monkeypatch.setattr("selfsame.project_folder.LOGGING", SimpleNamespace(configure=used.append))
    cli.prepare({})
    (project / "docs").mkdir()
    monkeypatch.chdir(project / "docs")
    cli.prepare({})
    assert [one["loggers"]["selfsame"] for one in used] == [{"level": "INFO"}]


def test_a_run_without_captures_leaves_no_data_root(project: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "selfsame")
    said = say(project, "--params=captures=/no/such,data=d1")
    assert said == (
        "expected a folder of captures at /no/such, found nothing: put captures there, or give "
        "--params=captures=PATH"
    )
    assert not (project / "d1").exists()
    assert not [record for record in caplog.records if record.name.startswith("selfsame")]


def test_a_misspelt_layout_leaves_no_data_root(project: Path) -> None:
    (project / "in").mkdir()
    (project / "in/a.bmp").write_bytes(b"x")
    said = say(project, "--params=captures=in,data=d1,layout=kagle", "--pipelines=data_engineering")
    assert said.startswith("expected the layout to be one of auto, mmu, kaggle")
    assert not (project / "d1").exists()


def test_the_model_card_is_not_written_over_the_documentation(project: Path) -> None:
    done = CliRunner().invoke(cli.cli, ["model-card", "--help"])
    assert "docs/" not in done.output


def test_a_slip_in_the_configuration_costs_the_model_card_one_line(project: Path) -> None:
    (project / "conf/local/globals.yml").write_text("a: [1\n")
    done = CliRunner().invoke(cli.cli, ["model-card"])
    assert done.exit_code == 1
    assert done.output.startswith(f"Error: expected YAML in {project}/conf/local/globals.yml, got a slip")

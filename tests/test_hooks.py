"""The hooks around a run, on small pipelines and on a stand-in for the catalog."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from kedro.config import OmegaConfigLoader
from kedro.framework.hooks.markers import HOOK_NAMESPACE
from kedro.framework.hooks.specs import DataCatalogSpecs, DatasetSpecs, NodeSpecs, PipelineSpecs
from kedro.framework.project import configure_project
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline
from kedro.runner import SequentialRunner
from kedro_datasets.json import JSONDataset
from kedro_datasets.partitions import PartitionedDataset
from pluggy import PluginManager

from selfsame.errors import InputError
from selfsame.hooks.device import DeviceCheck
from selfsame.hooks.record import RunRecord
from selfsame.hooks.settings import KnownParameters, OwnRoots
from selfsame.hooks.summary import RunSummary
from selfsame.matching.identification.gallery_settings import GallerySettings
from selfsame.pipelines.inference.params import InferenceParameters

PROJECT = Path(__file__).parents[1]
GALLERY = GallerySettings(stored_as="float32", sketch=False, workers=1)
SUMMARY = {"accepted": 3, "subjects": 2, "rejected": 1, "manifest_digest": "abc"}


# OwnRoots


def start(conf: Path, env: str | None, **given: object) -> None:
    """A project whose user set the captures for good, run in an environment."""
    for name, text in {"base": "", "gpu": "device: cuda", "local": "captures: /mine"}.items():
        (conf / name).mkdir(exist_ok=True)
        (conf / name / "globals.yml").write_text(text)
    loader = OmegaConfigLoader(
        str(conf), env=env, base_env="base", default_run_env="local", runtime_params=given
    )
    OwnRoots().after_context_created(SimpleNamespace(config_loader=loader))


def test_an_environment_that_does_not_read_the_users_roots_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--env gpu .* which sets captures; add --params=captures=/mine"):
        start(tmp_path, "gpu")


def test_the_users_roots_may_be_repeated_or_read(tmp_path: Path) -> None:
    assert start(tmp_path, "gpu", captures="/mine") is None
    assert start(tmp_path, "local") is None
    assert start(tmp_path, None) is None


# KnownParameters


def check(**given: object) -> None:
    merge = {"parameters": "soft", "globals": "soft"}
    loader = OmegaConfigLoader(
        str(PROJECT / "conf"),
        base_env="base",
        default_run_env="local",
        merge_strategy=merge,
        runtime_params=given,
    )
    KnownParameters().after_context_created(SimpleNamespace(config_loader=loader))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"seed": 1},
        {"captures": "/x", "data": "/y", "new_captures": "/z"},
        {"biometrics": {"training": {"max_epochs": 2, "encoders": {"iris": {"name": "resnet18"}}}}},
        {"biometrics": {"data_engineering": {"protocol": {"reference_captures": {"indices": [1]}}}}},
    ],
    ids=["nothing", "seed", "roots", "nested", "list"],
)
def test_parameters_of_the_configuration_may_be_given(given: dict[str, object]) -> None:
    assert check(**given) is None


def test_a_block_that_is_null_by_default_may_be_given() -> None:
    asked = {"early_stopping": {"monitor": "train_loss", "patience": 3}}
    assert check(biometrics={"training": asked}) is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sed": 1}, "got sed: did you mean seed"),
        (
            {"biometrics": {"training": {"max_epoch": 2}}},
            r"max_epoch: did you mean biometrics\.training\.max_epochs",
        ),
        ({"max_epochs": 2}, r"got max_epochs: did you mean biometrics\.training\.max_epochs"),
        ({"colour": "blue"}, r"got colour: see conf/base/parameters\*\.yml"),
        ({"seed": {"of_all": 1}}, r"got seed\.of_all"),
    ],
    ids=["misspelt", "misspelt leaf", "without its namespace", "unknown", "below a leaf"],
)
def test_a_parameter_that_no_file_knows_is_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check(**given)


def open_with(conf: Path, local: dict[str, str], env: str | None = None) -> None:
    """The project's configuration with files of a user's own, opened in an environment."""
    configure_project("selfsame")
    shutil.copytree(PROJECT / "conf/base", conf / "base")
    (conf / "local").mkdir()
    for name, text in local.items():
        (conf / "local" / name).write_text(text)
    (conf / "other").mkdir()
    merge = {"parameters": "soft", "globals": "soft"}
    loader = OmegaConfigLoader(
        str(conf), env=env, base_env="base", default_run_env="local", merge_strategy=merge
    )
    KnownParameters().after_context_created(SimpleNamespace(config_loader=loader))


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("globals.yml", "capture: /x", r"got capture in conf/local/globals\.yml: did you mean captures\?"),
        ("parameters.yml", "sed: 1", r"got sed in conf/local/parameters\.yml: did you mean seed\?"),
        (
            "parameters_mine.yml",
            "biometrcs: {training: {max_epochs: 3}}",
            r"got biometrcs\.training\.max_epochs in conf/local/parameters_mine\.yml: "
            r"did you mean biometrics\.training\.max_epochs",
        ),
        ("parameters.yml", "biometrics: {trainng: {max_epochs: 3}}", r"did you mean biometrics\.training\."),
    ],
    ids=["globals", "seed", "workload", "stage"],
)
def test_a_misspelt_name_in_a_users_file_is_refused(
    tmp_path: Path, file: str, text: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        open_with(tmp_path, {file: text})


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("globals.yml", "captures: /x\narrays: s3://b/x\nmax_pixels: 10"),
        ("parameters.yml", "layouts: {mine: [{pattern: x}]}"),
        ("parameters.yml", "biometrics: {training: {encoders: {mine: {name: gabor}}}}"),
        ("parameters.yml", "_mine: &mine 3\nseed: *mine"),
        ("parameters.yml", ""),
    ],
    ids=["roots", "layout", "encoder", "anchor", "empty"],
)
def test_settings_of_a_user_that_are_read_are_let_through(tmp_path: Path, file: str, text: str) -> None:
    assert open_with(tmp_path, {file: text}) is None


def test_files_of_an_environment_that_is_not_read_do_not_count(tmp_path: Path) -> None:
    assert open_with(tmp_path, {"globals.yml": "capture: /x"}, env="other") is None


@pytest.mark.parametrize("env", ["gpu", "smoke"])
def test_the_shipped_environments_name_only_what_is_read(env: str) -> None:
    configure_project("selfsame")
    loader = OmegaConfigLoader(str(PROJECT / "conf"), env=env, base_env="base", default_run_env="local")
    assert KnownParameters().after_context_created(SimpleNamespace(config_loader=loader)) is None


def test_a_setting_that_only_files_can_change_is_refused() -> None:
    """A run cannot replace `device` of globals.yml: accepted, it would change nothing."""
    with pytest.raises(InputError, match=r"got device: did you mean biometrics\.\w+\.device"):
        check(device="cuda")


# DeviceCheck


def on(device: str) -> tuple[Pipeline, DataCatalog]:
    parameters = SimpleNamespace(device=device)
    pipeline = Pipeline([Node(len, "params:inference", "length", name="n")])
    return pipeline, DataCatalog({"params:inference": MemoryDataset(parameters)})


@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_a_run_without_a_gpu_imports_no_torch(device: str) -> None:
    script = (
        "import sys; sys.path.insert(0, 'tests'); from test_hooks import on, DeviceCheck; "
        f"DeviceCheck().before_pipeline_run(*on({device!r})); sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_run_that_asks_for_an_absent_gpu_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(InputError, match=r"expected a CUDA device .* run without --env gpu"):
        DeviceCheck().before_pipeline_run(*on("cuda"))


def test_a_run_that_asks_for_a_present_gpu_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert DeviceCheck().before_pipeline_run(*on("cuda")) is None


def test_stages_that_do_not_run_need_no_device() -> None:
    _, catalog = on("cuda")
    assert DeviceCheck().before_pipeline_run(Pipeline([Node(len, "a", "b", name="n")]), catalog) is None


# RunRecord


def wait() -> dict[str, object]:
    time.sleep(0.05)
    return SUMMARY


def wait_lazily() -> Iterator[dict[str, object]]:
    def work() -> Iterator[dict[str, object]]:
        yield wait()

    return work()


def fail(summary: dict[str, object]) -> dict[str, object]:
    raise InputError(f"expected more than {summary['accepted']} captures: add some")


class Slow(JSONDataset):
    """A dataset whose input is made while it is saved."""

    def save(self, data: Iterator[dict[str, object]]) -> None:
        super().save(next(data))


def run(root: Path, *nodes: Node, hook: object) -> None:
    """Run nodes of the workload `biometrics` with one hook, as a session would."""
    catalog = DataCatalog(
        {
            "biometrics.capture_summary": JSONDataset(filepath=str(root / "summary.json")),
            "biometrics.manifest": JSONDataset(filepath=str(root / "manifest.json")),
            "biometrics.slow": Slow(filepath=str(root / "slow.json")),
            "biometrics.run_records": PartitionedDataset(
                path=str(root / "runs"), dataset="json.JSONDataset", filename_suffix=".json"
            ),
            "params:biometrics.inference": MemoryDataset(InferenceParameters(candidates=7, gallery=GALLERY)),
        }
    )
    manager = PluginManager(HOOK_NAMESPACE)
    for specs in (DataCatalogSpecs, DatasetSpecs, NodeSpecs, PipelineSpecs):
        manager.add_hookspecs(specs)
    manager.register(hook)
    pipeline = Pipeline(nodes)
    given = {"run_id": "2026", "project_path": str(PROJECT), "env": None, "pipeline_names": ["x"]}
    hooks = manager.hook
    hooks.before_pipeline_run(run_params=given, pipeline=pipeline, catalog=catalog)
    try:
        SequentialRunner().run(pipeline, catalog, manager)
    except InputError as error:
        hooks.on_pipeline_error(error=error, run_params=given, pipeline=pipeline, catalog=catalog)
    else:
        hooks.after_pipeline_run(run_params=given, run_result={}, pipeline=pipeline, catalog=catalog)


def node(function: object, inputs: str | None, output: str, name: str) -> Node:
    return Node(function, inputs, f"biometrics.{output}", name=name, namespace="biometrics")


def record(root: Path) -> dict[str, object]:
    return json.loads((root / "runs" / "2026.json").read_text())


def test_a_record_says_what_was_asked_with_what_and_where(tmp_path: Path) -> None:
    with_parameters = node(lambda parameters: SUMMARY, "params:biometrics.inference", "capture_summary", "n")
    run(tmp_path, with_parameters, hook=RunRecord())
    written = record(tmp_path)
    assert (written["outcome"], written["data_digest"]) == ("succeeded", "abc")
    assert written["request"] == {"run_id": "2026", "pipeline_names": ["x"]}
    assert written["parameters"]["params:biometrics.inference"]["candidates"] == 7
    assert {"kedro", "torch", "selfsame"} <= written["packages"].keys()
    assert written["machine"]["cores"] >= 1
    assert str(PROJECT) not in json.dumps(written["request"])


def test_a_failing_run_leaves_its_record_too(tmp_path: Path) -> None:
    nodes = (
        node(wait, None, "capture_summary", "count"),
        node(fail, "biometrics.capture_summary", "manifest", "fail"),
    )
    run(tmp_path, *nodes, hook=RunRecord())
    written = record(tmp_path)
    assert written["outcome"] == "failed: InputError: expected more than 3 captures: add some"
    assert written["data_digest"] == "abc"
    assert list(written["node_seconds"]) == ["biometrics.count"]


def test_a_record_that_cannot_be_written_does_not_hide_why_the_run_failed(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file where the folder of records should be")
    nodes = (
        node(wait, None, "capture_summary", "count"),
        node(fail, "biometrics.capture_summary", "manifest", "fail"),
    )
    run(tmp_path, *nodes, hook=RunRecord())
    assert (tmp_path / "runs").is_file()


def test_the_work_of_a_lazy_output_counts_for_its_node(tmp_path: Path) -> None:
    run(tmp_path, node(wait_lazily, None, "slow", "eager_no_more"), hook=RunRecord())
    assert record(tmp_path)["node_seconds"]["biometrics.eager_no_more"] >= 0.05


def test_a_second_run_forgets_the_timings_of_the_first(tmp_path: Path) -> None:
    hook = RunRecord()
    run(tmp_path, node(wait, None, "capture_summary", "first"), hook=hook)
    run(tmp_path, node(wait, None, "capture_summary", "second"), hook=hook)
    assert list(record(tmp_path)["node_seconds"]) == ["biometrics.second"]


def test_a_run_of_no_workload_leaves_no_record(tmp_path: Path) -> None:
    run(tmp_path, Node(wait, None, "biometrics.manifest", name="outside"), hook=RunRecord())
    assert not (tmp_path / "runs").exists()


def test_what_a_broken_installation_left_does_not_stop_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [SimpleNamespace(metadata={"Name": name}, version="1") for name in (None, "b", "a")]
    monkeypatch.setattr("selfsame.hooks.record.distributions", lambda: found)
    run(tmp_path, node(wait, None, "capture_summary", "count"), hook=RunRecord())
    assert list(record(tmp_path)["packages"]) == ["a", "b"]


def test_code_outside_a_checkout_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    run(tmp_path, node(wait, None, "capture_summary", "count"), hook=RunRecord())
    assert record(tmp_path)["code"]["git_commit"] is None


# RunSummary


def test_the_summary_says_what_was_achieved_and_where_it_lies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    nodes = node(wait, None, "capture_summary", "count"), node(wait, None, "manifest", "list")
    run(tmp_path, *nodes, hook=RunSummary())
    title, captures, manifest = capsys.readouterr().out.splitlines()
    assert title == "biometrics:"
    assert "3 accepted of 2 subjects, 1 files rejected" in captures
    assert manifest.split() == ["manifest", "manifest.json"]


def test_a_place_outside_the_working_folder_is_shown_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path, node(wait, None, "manifest", "list"), hook=RunSummary())
    assert str(tmp_path / "manifest.json") in capsys.readouterr().out


def test_a_run_without_results_prints_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path, node(wait_lazily, None, "slow", "lazy"), hook=RunSummary())
    assert capsys.readouterr().out == ""

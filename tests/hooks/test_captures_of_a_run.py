"""The captures of a run: there before anything is written, and told apart in the log."""

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
from kedro.config import OmegaConfigLoader
from kedro.io import DataCatalog
from kedro.pipeline import Node, Pipeline

from selfsame.datasets.captures import CapturesDataset
from selfsame.errors import InputError
from selfsame.hooks.captures import CapturesThere, NewCapturesInLog


def ask(
    root: Path, workload: str = "biometrics", env: str | None = None, local: str = "", **given: str
) -> None:
    """Open a project whose default captures are in `root / "default"`, and begin a run that reads them."""
    conf = root / "conf"
    texts = {"base": f"captures: {root}/default", "local": local, "smoke": f"captures: {root}/smoke"}
    for name, text in texts.items():
        (conf / name).mkdir(parents=True)
        (conf / name / "globals.yml").write_text(text)
    loader = OmegaConfigLoader(
        str(conf), env=env, base_env="base", default_run_env="local", runtime_params=given
    )
    hook = CapturesThere()
    hook.after_context_created(SimpleNamespace(config_loader=loader))
    captures = given.get("captures", loader["globals"]["captures"])
    catalog = DataCatalog(
        {
            f"{workload}.captures": CapturesDataset(filepath=captures),
            f"{workload}.new.captures": CapturesDataset(
                filepath=captures, new={"path": given.get("new_captures")}
            ),
        }
    )
    read = [f"{workload}.new.captures"] if "new_captures" in given else [f"{workload}.captures"]
    hook.before_pipeline_run(Pipeline([Node(len, read[0], "count", name="n")]), catalog)


@pytest.mark.parametrize(
    ("options", "command"),
    [
        ({}, "kedro run --pipelines synthesis"),
        ({"env": "smoke"}, "kedro run --env smoke --pipelines synthesis"),
        ({"workload": "faces"}, "kedro run --pipelines faces_synthesis"),
    ],
)
def test_a_sample_is_offered_where_the_project_looks_for_it(
    tmp_path: Path, options: dict[str, str], command: str
) -> None:
    with pytest.raises(InputError, match=rf"found nothing: .*; or make a sample: {command}$"):
        ask(tmp_path, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"captures": "/no/such"},
        {"local": "captures: /no/such"},
        {"new_captures": "/no/such"},
        {"workload": "irises"},
    ],
)
def test_a_sample_is_offered_nowhere_else(tmp_path: Path, options: dict[str, str]) -> None:
    with pytest.raises(InputError, match=r"found nothing: put captures there, or give --params=\w+=PATH$"):
        ask(tmp_path, **options)


def test_a_file_where_a_folder_should_be_gets_no_offer(tmp_path: Path) -> None:
    (tmp_path / "one.bmp").write_bytes(b"x")
    with pytest.raises(
        InputError, match=r"found a file: put captures there, or give --params=captures=PATH$"
    ):
        ask(tmp_path, captures=f"{tmp_path}/one.bmp")


def test_captures_that_are_there_are_let_through(tmp_path: Path) -> None:
    (tmp_path / "default").mkdir()
    (tmp_path / "default/a.bmp").write_bytes(b"x")
    assert ask(tmp_path) is None


# NewCapturesInLog


def test_lines_about_new_captures_say_so(caplog: pytest.LogCaptureFixture) -> None:
    hook, logger = NewCapturesInLog(), logging.getLogger("selfsame.sources.scanning")
    logging.getLogger().addHandler(caplog.handler)
    with caplog.at_level(logging.INFO):
        hook.before_pipeline_run()
        for output in ("b.manifest", "b.new.manifest", "b.new.face.index", "b.manifest", "new_plot"):
            hook.before_node_run(SimpleNamespace(outputs=[output]))
            logger.info("scanned %d files", 3)
        hook.before_node_run(SimpleNamespace(outputs=["b.new.manifest"]))
        hook.after_pipeline_run()
        logger.info("done")
    said = list(dict.fromkeys((record.created, record.getMessage()) for record in caplog.records))
    plain, marked = "scanned 3 files", "new captures: scanned 3 files"
    assert [message for _, message in said] == [plain, marked, marked, plain, plain, "done"]

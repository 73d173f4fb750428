"""The roots that a user gives, as the catalog sees them."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from kedro.config import OmegaConfigLoader

from selfsame.errors import InputError
from selfsame.hooks.roots import GivenRoots, place_roots

BASE = "captures: data/captures\nnew_captures: null\ndata: data\n"


def open_project(conf: Path, local: str = "", **given: object) -> OmegaConfigLoader:
    """A project whose user set roots in conf/local, or gives them with --params."""
    for name, text in {"base": BASE, "local": local}.items():
        (conf / name).mkdir()
        (conf / name / "globals.yml").write_text(text)
    catalog = "a: {filepath: '${runtime_params:data, ${globals:data}}/x'}"
    (conf / "base/catalog.yml").write_text(catalog)
    loader = OmegaConfigLoader(str(conf), base_env="base", default_run_env="local", runtime_params=given)
    GivenRoots().after_context_created(SimpleNamespace(config_loader=loader))
    return loader


@pytest.mark.parametrize("name", ["captures", "new_captures", "data", "arrays"])
@pytest.mark.parametrize("root", [None, "", "  "])
def test_an_empty_root_is_refused(tmp_path: Path, name: str, root: str | None) -> None:
    with pytest.raises(InputError, match=rf"expected a path for {name}, got nothing: give one with --params"):
        open_project(tmp_path, **{name: root})


@pytest.mark.parametrize("name", ["captures", "data", "arrays"])
def test_an_empty_root_in_the_configuration_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=f"expected a path for {name}, got nothing"):
        open_project(tmp_path, local=f"{name}:\n")


def test_new_captures_may_be_left_open_in_the_configuration(tmp_path: Path) -> None:
    assert open_project(tmp_path)["globals"]["new_captures"] is None


@pytest.mark.parametrize("name", ["captures", "new_captures", "data", "arrays"])
def test_a_tilde_is_the_home_of_the_user(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    (tmp_path / "given").mkdir()
    (tmp_path / "stated").mkdir()
    given = open_project(tmp_path / "given", **{name: "~/results"})
    assert given.runtime_params[name] == "/home/me/results"
    stated = open_project(tmp_path / "stated", local=f"{name}: ~/results\n")
    assert stated["globals"][name] == "/home/me/results"


def test_the_catalog_gets_the_expanded_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert open_project(tmp_path, local="data: ~/r\n")["catalog"]["a"]["filepath"] == "/home/me/r/x"


def test_the_home_of_nobody_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="got ~nobody-at-all/x, which is nobody's home"):
        open_project(tmp_path, data="~nobody-at-all/x")


def test_relative_roots_count_from_where_the_command_was_given() -> None:
    given = {"data": "../out", "captures": "in", "seed": 3}
    placed = place_roots(given, Path("/project/docs"), Path("/project"))
    assert placed == {"data": "/project/docs/../out", "captures": "/project/docs/in", "seed": 3}


@pytest.mark.parametrize("root", ["/x", "~/x", "s3://bucket/x", "sklearn:olivetti", None, ""])
def test_other_roots_are_left_as_they_are(root: str | None) -> None:
    assert place_roots({"data": root}, Path("/project/docs"), Path("/project")) == {"data": root}


def test_in_the_folder_of_the_project_nothing_changes() -> None:
    assert place_roots({"data": "x"}, Path("/project"), Path("/project")) == {"data": "x"}

"""What part of the graph a run is asked for."""

from pathlib import Path

import pytest
from kedro.pipeline import Node, Pipeline

from selfsame.errors import InputError
from selfsame.selection import require_environment, require_selected


def stage(name: str) -> Pipeline:
    node = Node(len, f"a.{name}_input", f"a.{name}", name=f"{name}_it", namespace="a.inner", tags=name)
    return Pipeline([node])


REGISTERED = {"training": stage("training"), "evaluation": stage("evaluation")}
REGISTERED["__default__"] = REGISTERED["training"] + REGISTERED["evaluation"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"pipelines": ["trainng"]}, "--pipelines .* got 'trainng': did you mean training"),
        ({"pipelines": ["x"]}, "got 'x': there is training, evaluation"),
        ({"tags": ["evalution"]}, "--tags .* got 'evalution': did you mean evaluation"),
        ({"tags": ["evaluation"], "pipelines": ["training"]}, "got 'evaluation': there is training"),
        ({"namespaces": ["a.iner"]}, r"--namespaces .*: did you mean a\.inner"),
        ({"node_names": ["training"]}, r"--nodes .* got 'training': did you mean a\.inner\.training_it"),
        ({"from_nodes": ["evaluate"]}, "--from-nodes"),
        ({"to_nodes": ["evaluate"]}, "--to-nodes"),
        ({"from_inputs": ["a.trainin"]}, r"--from-inputs .*: did you mean a\.training"),
        ({"to_outputs": ["a.trainin"]}, "--to-outputs"),
        ({"load_versions": {"a.trainin": "x"}}, "--load-versions"),
    ],
)
def test_a_name_of_nothing_is_refused_with_what_there_is(options: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        require_selected(options, REGISTERED)


def test_names_of_something_are_let_through() -> None:
    asked = {
        "pipelines": ["training", "evaluation"],
        "tags": ("training",),
        "namespaces": ["a", "a.inner"],
        "node_names": ("a.inner.training_it",),
        "to_outputs": ["a.training"],
    }
    assert require_selected(asked, REGISTERED) is None
    assert require_selected({}, REGISTERED) is None


def test_an_environment_without_a_folder_is_refused(tmp_path: Path) -> None:
    for name in ("base", "gpu", "local"):
        (tmp_path / name).mkdir()
    with pytest.raises(
        InputError, match=rf"--env to name a folder of {tmp_path}, got 'gpuu': did you mean gpu\?"
    ):
        require_environment("gpuu", tmp_path)
    with pytest.raises(InputError, match="got 'x': there is base, gpu, local"):
        require_environment("x", tmp_path)
    assert require_environment("gpu", tmp_path) is None
    assert require_environment(None, tmp_path) is None

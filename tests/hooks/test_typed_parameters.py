"""The project's own parameters with wrong values."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from kedro.config import OmegaConfigLoader
from kedro.framework.project import configure_project

from selfsame.errors import InputError
from selfsame.hooks.typed_parameters import TypedParameters

PROJECT = Path(__file__).parents[2]


def check(**given: object) -> None:
    configure_project("selfsame")
    loader = OmegaConfigLoader(
        str(PROJECT / "conf"),
        base_env="base",
        default_run_env="local",
        merge_strategy={"parameters": "soft", "globals": "soft"},
        runtime_params=given,
    )
    TypedParameters().after_context_created(SimpleNamespace(config_loader=loader))


def test_the_shipped_parameters_have_the_types_that_the_nodes_expect() -> None:
    assert check() is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"seed": "x"}, "expected seed to be a whole number, got 'x': correct it in --params"),
        (
            {"biometrics": {"training": None}},
            r"expected biometrics\.training to be a block of settings, got nothing",
        ),
        (
            {"faces": {"training": {"max_epochs": "two"}}},
            r"expected faces\.training\.max_epochs to be a whole number, got 'two': correct",
        ),
        (
            {"biometrics": {"fingerprint": {"preprocessing": {"backend": "dask", "address": "nowhere"}}}},
            r"expected an address such as tcp://.*, got nowhere with dask \(biometrics\.fingerprint\.prep",
        ),
        (
            {"biometrics": {"evaluation": {"protocols": ["closedset"]}}},
            r"^expected biometrics\.evaluation\.protocols\[0\] to be 'closed_set', [^;]* got 'closedset'",
        ),
    ],
)
def test_a_wrong_value_costs_one_line_whatever_is_run(given: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        check(**given)

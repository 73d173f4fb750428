"""What is wrong with settings, in one line."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
import yaml
from pydantic import Field, ValidationError, model_validator

from selfsame.explanations import explain_slip, explain_values
from selfsame.parameters import Settings


class Arc(Settings):
    kind: Literal["arc"]
    margin: float


class Plain(Settings):
    kind: Literal["plain"]


class Block(Settings):
    epochs: int = 1
    rate: float = Field(default=1.0, gt=0)
    fast: bool = False
    name: str = "x"
    device: Literal["cpu", "cuda"] = "cpu"
    devices: Literal["auto"] | int = "auto"
    protocols: tuple[Literal["closed_set", "open_set"], ...] = Field(default=("open_set",), min_length=1)
    loss: Annotated[Arc | Plain, Field(discriminator="kind")] = Plain(kind="plain")

    @model_validator(mode="after")
    def _refuse_thirteen(self) -> "Block":
        if self.epochs == 13:
            raise ValueError("expected luck, got epochs of 13")
        return self


def explain(**given: object) -> str:
    with pytest.raises(ValidationError) as caught:
        Block.model_validate(given)
    return explain_values(caught.value, "work.block", given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"epochs": "two"}, "expected work.block.epochs to be a whole number, got 'two'"),
        ({"epochs": 1.5}, "expected work.block.epochs to be a whole number, got 1.5"),
        ({"rate": "fast"}, "expected work.block.rate to be a number, got 'fast'"),
        ({"rate": -1}, "expected work.block.rate to be greater than 0, got -1"),
        ({"fast": "maybe"}, "expected work.block.fast to be true or false, got 'maybe'"),
        ({"name": None}, "expected work.block.name to be text, got nothing"),
        ({"device": "gpu"}, "expected work.block.device to be 'cpu' or 'cuda', got 'gpu'"),
        ({"devices": "all"}, "expected work.block.devices to be 'auto' or a whole number, got 'all'"),
        (
            {"protocols": "open_set"},
            "expected work.block.protocols to be a list, such as [a, b], got 'open_set'",
        ),
        (
            {"protocols": ["open_set", "closed"]},
            "expected work.block.protocols[1] to be 'closed_set' or 'open_set', got 'closed'",
        ),
        ({"protocols": []}, "expected work.block.protocols to have 1 or more items, got []"),
        ({"loss": {"kind": "arx"}}, "expected work.block.loss.kind to be one of 'arc', 'plain', got 'arx'"),
        ({"loss": {"kind": "arc"}}, "expected work.block.loss.margin to be given, got nothing"),
        ({"loss": 3}, "expected work.block.loss to be a block of settings, got 3"),
        (
            {"epochs": 1, "epoch": 2},
            "expected a parameter that work.block knows, got work.block.epoch (did you mean epochs?)",
        ),
        ({"colour": 1}, "expected a parameter that work.block knows, got work.block.colour"),
        ({"epochs": 13}, "expected luck, got epochs of 13 (work.block)"),
    ],
)
def test_a_refused_value_is_told_with_its_name_and_what_it_should_be(
    given: dict[str, object], said: str
) -> None:
    assert explain(**given) == said


def test_each_of_several_mistakes_is_told_once() -> None:
    assert explain(epochs="two", devices="all") == (
        "expected work.block.epochs to be a whole number, got 'two'; "
        "expected work.block.devices to be 'auto' or a whole number, got 'all'"
    )


def test_a_long_value_is_not_shown_whole() -> None:
    assert explain(epochs="9" * 50 + "x" * 50).endswith("...")
    assert explain(epochs={"a" * 50: "b" * 50}).endswith("got a block of settings")


# explain_slip


def slip(folder: Path, text: bytes) -> str:
    (folder / "globals.yml").write_bytes(b"captures: /x\n")
    (folder / "parameters.yml").write_bytes(text)
    return explain_slip(yaml.YAMLError("what Kedro says"), [folder])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            b"a:\n  b: 1\n\tc: 2\n",
            "line 3, column 1: tabs are not allowed in indentation; indent with spaces",
        ),
        (b"a: b: c\n", "line 1, column 5: a second colon or a wrong indentation"),
        (b"a: [1, 2\nb: 3\n", "line 2, column 2: expected ',' or ']'"),
        (b"a: 'x\n", "line 2, column 1: found unexpected end of stream"),
    ],
    ids=["tab", "colon", "bracket", "quote"],
)
def test_a_slip_in_yaml_is_told_with_its_file_and_line(tmp_path: Path, text: bytes, said: str) -> None:
    told = slip(tmp_path, text)
    assert told.startswith(f"expected YAML in {tmp_path}/parameters.yml, got a slip in {said}")
    assert "\n" not in told


def test_a_file_of_other_bytes_is_named(tmp_path: Path) -> None:
    assert slip(tmp_path, b"a: \xff\xfe\n").startswith(
        f"expected YAML in {tmp_path}/parameters.yml, got other"
    )


def test_a_slip_that_is_not_found_again_is_told_as_it_came(tmp_path: Path) -> None:
    assert slip(tmp_path, b"a: 1\n") == "expected YAML in the configuration, got a slip: what Kedro says"

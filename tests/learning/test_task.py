"""What a task says of the code that carries it out."""

from pathlib import Path
from pkgutil import iter_modules

import pytest

import selfsame.learning
from selfsame.learning.task import LEARNING_CODE, describe_code

WITHOUT_EFFECT = {
    "buffers", "checkpoint", "classification", "cross_validation", "device", "embedding_parts", "estimators",
    "history", "launching", "modalities", "pairs", "reading", "residence", "resuming",
}  # fmt: skip
"""Modules that decide neither weights nor embeddings."""


def test_every_module_of_learning_is_known_to_decide_weights_and_embeddings_or_not() -> None:
    listed = {name.removeprefix("selfsame.learning.") for name in LEARNING_CODE}
    found = {module.name for module in iter_modules(selfsame.learning.__path__)}
    assert found <= listed | WITHOUT_EFFECT
    assert not WITHOUT_EFFECT & listed


@pytest.mark.parametrize(
    ("edited", "changes"),
    [("learning/objective.py", True), ("encoders/gabor.py", True), ("learning/history.py", False)],
)
def test_an_edit_is_another_version_where_it_decides_weights(
    edited: str, changes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, read = describe_code(), Path.read_bytes
    path = Path(selfsame.learning.__path__[0]).parent / edited
    monkeypatch.setattr(Path, "read_bytes", lambda self: read(self) + (b"#" if self == path else b""))
    assert (describe_code() != before) is changes

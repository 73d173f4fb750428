"""What a task says of the code that carries it out."""

from pathlib import Path
from pkgutil import walk_packages

import pytest

import selfsame.learning
from selfsame.learning.training.task import LEARNING_CODE, describe_code

WITHOUT_EFFECT = {
    "checkpoint", "device", "distributed.launching", "embedding.classification", "embedding.cross_validation",
    "embedding.pairs", "embedding.parts", "loading.buffers", "loading.reading", "loading.residence",
    "training.history", "training.modalities", "training.resuming",
}  # fmt: skip
"""Modules that decide neither weights nor embeddings."""


def test_every_module_of_learning_is_known_to_decide_weights_and_embeddings_or_not() -> None:
    listed = {name.removeprefix("selfsame.learning.") for name in LEARNING_CODE}
    found = {
        one.name.removeprefix("selfsame.learning.")
        for one in walk_packages(selfsame.learning.__path__, "selfsame.learning.")
        if not one.ispkg and ".estimators." not in one.name
    }
    assert found <= listed | WITHOUT_EFFECT
    assert not WITHOUT_EFFECT & listed


@pytest.mark.parametrize(
    ("edited", "changes"),
    [
        ("learning/training/objective.py", True),
        ("encoders/gabor.py", True),
        ("learning/training/history.py", False),
    ],
)
def test_an_edit_is_another_version_where_it_decides_weights(
    edited: str, changes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, read = describe_code(), Path.read_bytes
    path = Path(selfsame.learning.__path__[0]).parent / edited
    monkeypatch.setattr(Path, "read_bytes", lambda self: read(self) + (b"#" if self == path else b""))
    assert (describe_code() != before) is changes

"""The state of a training run between two steps: what a killed run goes on from."""

import math
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from pickle import UnpicklingError
from typing import BinaryIO
from zipfile import BadZipFile, ZipFile

import torch
from torch import Tensor

from selfsame.errors import DamagedError, InputError
from selfsame.learning.checkpoint import Origin

STATE_NAME, WITHIN_NAME = "state.pt", "state_within_epoch.pt"
"""After the last whole epoch, and after some steps of the next one: were one damaged, the other is there."""

DIFFERENCES = {
    "captures_digest": "other captures or pixels",
    "splits_digest": "other splits",
    "recipes": "another preprocessing",
    "parameters_digest": "other training parameters",
    "code_version": "other code",
    "seed": "another seed",
}
"""The fields of an origin, as a person would say that they differ."""


# What torch raises on files that are damaged or something else, and what becomes of loadable foreign ones.
DAMAGE = (
    AttributeError,
    BadZipFile,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    UnpicklingError,
    ValueError,
)


@dataclass(frozen=True)
class EpochRecord:
    """The figures of one epoch.

    Attributes:
        epoch: from 1.
        train_loss: mean loss of a presentation while it was trained on, augmented.
        validation_loss: mean loss of the validation presentations as they are; None where there are none.
        train_accuracy: share of presentations whose fused score is highest for the true subject.
        learning_rate: of the last step.
        seconds: from the first batch to the last, validation included.
        images_per_second: images trained on, by those seconds.
    """

    epoch: int
    train_loss: float
    validation_loss: float | None
    train_accuracy: float
    learning_rate: float
    seconds: float
    images_per_second: float


@dataclass(frozen=True)
class EpochPart:
    """What was counted in an epoch so far.

    Attributes:
        steps: batches that were trained on; the optimiser has made its step with the last of them.
        loss: sum of the losses of the presentations.
        correct: presentations whose fused score is highest for the true subject.
        presentations: so many were trained on.
        images: so many were trained on.
        seconds: in which this was done, those of interrupted runs included.
    """

    steps: int = 0
    loss: float = 0.0
    correct: int = 0
    presentations: int = 0
    images: int = 0
    seconds: float = 0.0

    @property
    def mean_loss(self) -> float:
        """The mean loss of a presentation; NaN where there were none."""
        return self.loss / self.presentations if self.presentations else math.nan

    @property
    def accuracy(self) -> float:
        """The share of presentations whose fused score is highest for the true subject; NaN of none."""
        return self.correct / self.presentations if self.presentations else math.nan


@dataclass(frozen=True)
class RunState:
    """A training run after a number of epochs, and perhaps some steps of the next one.

    Attributes:
        origin: data, parameters, code and seed of the run.
        history: one record an epoch.
        finished: whether training is over.
        best_epoch: the epoch of the best weights; 0 before the first has ended.
        weights: the recogniser's tensors.
        best_weights: its tensors after the best epoch.
        optimiser: the optimiser's state.
        part: of the epoch after those of the history; None at their end.
    """

    origin: Origin
    history: tuple[EpochRecord, ...]
    finished: bool
    best_epoch: int
    weights: dict[str, Tensor]
    best_weights: dict[str, Tensor]
    optimiser: dict[str, object]
    part: EpochPart | None = None

    @property
    def progress(self) -> tuple[int, int]:
        """How far training is: whole epochs, and steps of the next one."""
        return len(self.history), self.part.steps if self.part else 0


def write_state(state: RunState, folder: Path) -> None:
    """Write the state to a temporary name and rename it, so that a kill leaves the old one or the new one.

    A state within an epoch has a file of its own, which is removed when the epoch's end is written.

    Raises:
        InputError: the folder cannot be written; the old state is kept.
    """
    part = folder / f"{STATE_NAME}.part"
    try:
        with part.open("wb") as file:
            pack_state(state, file)
        part.replace(folder / (WITHIN_NAME if state.part else STATE_NAME))
        if not state.part:
            (folder / WITHIN_NAME).unlink(missing_ok=True)
    except (OSError, RuntimeError) as error:
        cause = error.__context__ if isinstance(error, RuntimeError) else error  # torch hides the system's
        if not isinstance(cause, OSError):
            raise
        raise InputError(
            f"expected to write the state of training to {folder}, but {cause.strerror or cause}: free "
            "space, or choose another data root with --params=data=PATH; what was written before is kept"
        ) from error
    finally:
        part.unlink(missing_ok=True)


def pack_state(state: RunState, file: BinaryIO) -> None:
    """Write a state to an open file: tensors and plain values."""
    content = {
        **vars(state),
        "origin": asdict(state.origin),
        "history": [asdict(one) for one in state.history],
        "part": asdict(state.part) if state.part else None,
    }
    torch.save(content, file)


def read_state(folder: Path, name: str = STATE_NAME) -> RunState | None:
    """Read a state that an earlier run left; None where there is none.

    The file is read by `torch.load` with `weights_only=True`: tensors and plain values, nothing else is ever
    unpickled.

    Raises:
        InputError: the file cannot be read.
        DamagedError: it is incomplete, altered or something else.
    """
    path = folder / name
    if not path.exists():
        return None
    try:
        stored = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"expected to read the state of training in {path}, got {error.strerror or error}: correct its "
            "permissions, or delete it to train again"
        ) from error
    return unpack_state(stored, path.name)


def unpack_state(stored: bytes, name: str) -> RunState:
    """Read a state from the bytes of a file.

    Raises:
        DamagedError: they are incomplete, altered or something else; it names the file.
    """
    try:
        _require_intact(stored)
        content = torch.load(BytesIO(stored), map_location="cpu", weights_only=True)
        if not isinstance(content, dict):
            raise TypeError(f"a {type(content).__name__}")
        content["origin"] = Origin(**content["origin"])
        content["history"] = tuple(EpochRecord(**one) for one in content["history"])
        part = content.pop("part")
        return RunState(**content, part=EpochPart(**part) if part else None)
    except DAMAGE as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise DamagedError(
            f"expected the complete state of a training run in {name}, got a damaged file ({first}): "
            "delete it and train again"
        ) from error


def _require_intact(stored: bytes) -> None:
    """Compare each part of a state with its CRC-32: torch writes these, but does not read them."""
    with ZipFile(BytesIO(stored)) as archive:
        altered = archive.testzip()
    if altered is not None:
        raise BadZipFile(f"the checksum of {altered} is another")


def name_difference(left: Origin, right: Origin) -> str | None:
    """Say in words how the right one of two origins differs from the left; None where they agree."""
    names = [field for field, value in vars(left).items() if getattr(right, field) != value]
    return DIFFERENCES[names[0]] if names else None

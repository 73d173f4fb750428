"""The state of a training run between two epochs: what a killed run goes on from."""

from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from pickle import UnpicklingError
from zipfile import BadZipFile, ZipFile

import torch
from torch import Tensor

from selfsame.errors import DamagedError, InputError
from selfsame.learning.checkpoint import Origin

STATE_NAME = "state.pt"

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
    """What one epoch came to.

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
class RunState:
    """A training run after a number of epochs.

    Attributes:
        origin: data, parameters, code and seed of the run.
        history: one record an epoch.
        finished: whether training is over.
        best_epoch: the epoch of the best weights.
        weights: the recogniser's tensors after the last epoch.
        best_weights: its tensors after the best epoch.
        optimiser: the optimiser's state after the last epoch.
    """

    origin: Origin
    history: tuple[EpochRecord, ...]
    finished: bool
    best_epoch: int
    weights: dict[str, Tensor]
    best_weights: dict[str, Tensor]
    optimiser: dict[str, object]


def write_state(state: RunState, folder: Path) -> None:
    """Write the state to a temporary name and rename it, so that a kill leaves the old one or the new one.

    Raises:
        InputError: the folder cannot be written; the old state is kept.
    """
    content = {
        **vars(state),
        "origin": asdict(state.origin),
        "history": [asdict(one) for one in state.history],
    }
    part = folder / f"{STATE_NAME}.part"
    try:
        with part.open("wb") as file:
            torch.save(content, file)
        part.replace(folder / STATE_NAME)
    except (OSError, RuntimeError) as error:
        cause = error.__context__ if isinstance(error, RuntimeError) else error  # torch hides the system's
        if not isinstance(cause, OSError):
            raise
        raise InputError(
            f"expected to write the state of training to {folder}, but {cause.strerror or cause}: free "
            "space, or choose another data root with --params=data=PATH; what finished epochs left is kept"
        ) from error
    finally:
        part.unlink(missing_ok=True)


def read_state(folder: Path) -> RunState | None:
    """Read the state that an earlier run left; None where there is none.

    The file is read by `torch.load` with `weights_only=True`: tensors and plain values, nothing else is ever
    unpickled.

    Raises:
        InputError: the file cannot be read.
        DamagedError: it is incomplete, altered or something else.
    """
    path = folder / STATE_NAME
    if not path.exists():
        return None
    try:
        stored = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"expected to read the state of training in {path}, got {error.strerror or error}: correct its "
            "permissions, or delete it to train again"
        ) from error
    try:
        _require_intact(stored)
        content = torch.load(BytesIO(stored), map_location="cpu", weights_only=True)
        if not isinstance(content, dict):
            raise TypeError(f"a {type(content).__name__}")
        content["origin"] = Origin(**content["origin"])
        content["history"] = tuple(EpochRecord(**one) for one in content["history"])
        return RunState(**content)
    except DAMAGE as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise DamagedError(
            f"expected the complete state of a training run in {path.name}, got a damaged file ({first}): "
            "delete it and train again"
        ) from error


def _require_intact(stored: bytes) -> None:
    """Compare each part of a state with its CRC-32: torch writes these, but does not read them."""
    with ZipFile(BytesIO(stored)) as archive:
        altered = archive.testzip()
    if altered is not None:
        raise BadZipFile(f"the checksum of {altered} is another")


def name_difference(left: Origin, right: Origin) -> str | None:
    """Say in words what the right one of two origins has otherwise; None where they agree."""
    names = [field for field, value in vars(left).items() if getattr(right, field) != value]
    return DIFFERENCES[names[0]] if names else None

"""The state of a training run between two epochs: what a killed run goes on from."""

from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError
from zipfile import BadZipFile

import torch
from torch import Tensor

from selfsame.errors import DamagedError, InputError
from selfsame.learning.checkpoint import Origin

STATE_NAME = "state.pt"


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

    Tensors and plain values only: nothing else is ever unpickled.

    Raises:
        DamagedError: the file is incomplete or altered.
    """
    path = folder / STATE_NAME
    if not path.exists():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        content["origin"] = Origin(**content["origin"])
        content["history"] = tuple(EpochRecord(**one) for one in content["history"])
        return RunState(**content)
    except (BadZipFile, EOFError, KeyError, OSError, RuntimeError, TypeError, UnpicklingError) as error:
        raise DamagedError(
            f"Expected the complete state of a training run in {path.name}, but it is damaged "
            f"({str(error).splitlines()[0]}): delete it and train again"
        ) from error


def name_difference(left: Origin, right: Origin) -> str | None:
    """Return the first field in which two origins differ, in words; None where they agree."""
    names = [field for field, value in vars(left).items() if getattr(right, field) != value]
    return names[0].replace("_", " ") if names else None

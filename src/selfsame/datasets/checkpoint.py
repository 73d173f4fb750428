"""Checkpoints on disk: weights without pickle, and a card that says what they are."""

import hashlib
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
from kedro.io.core import AbstractVersionedDataset, Version, get_protocol_and_path
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from selfsame.datasets.atomic import find_leftovers, partial_path
from selfsame.errors import DamagedError, InputError
from selfsame.learning.checkpoint import Checkpoint, Design, LabelMap, Origin

FORMAT: Literal[3] = 3
WEIGHTS_NAME = "weights.safetensors"
CARD_NAME = "checkpoint.json"


class Card(BaseModel):
    """What checkpoint.json holds: everything but the weights, and their digest.

    Attributes:
        format: version of this layout of files.
        weights_sha256: hexadecimal digest of weights.safetensors.
        card_sha256: hexadecimal digest of all other fields.
        design: see `Checkpoint`, as all that follow.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[3]
    weights_sha256: str
    card_sha256: str = ""
    design: Design
    labels: LabelMap
    origin: Origin
    fusion_weights: dict[str, float]
    epoch: int
    metrics: dict[str, float | None]

    def digest(self) -> str:
        """Digest all fields but the digest itself: 64 hexadecimal digits."""
        fields = self.model_dump_json(exclude={"card_sha256"})
        return hashlib.sha256(fields.encode()).hexdigest()


class CheckpointDataset(AbstractVersionedDataset[Checkpoint, Checkpoint]):
    """Save a checkpoint as a folder: weights.safetensors and checkpoint.json.

    Training saves two: the best epoch by validation loss, and the last epoch. Where nothing is validated, as
    in a closed set without validation captures, both hold the last epoch.

    The folder is written under a hidden name beside its place and renamed, so it is whole whenever it can be
    seen; what killed processes left is removed by the next save. Nothing in it is ever unpickled. With
    `versioned: true` in the catalog each save makes a folder of its own.

    Args:
        filepath: the folder, on a local filesystem.
        version: which version to load and save; Kedro fills it in.
        metadata: for Kedro-Viz.
    """

    def __init__(
        self,
        *,
        filepath: str,
        version: Version | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> None:
        protocol, path = get_protocol_and_path(filepath)
        if protocol != "file":
            raise InputError(
                f"expected a local folder for checkpoints, got {filepath}: choose a local data root"
            )
        super().__init__(
            filepath=PurePosixPath(path), version=version, exists_function=_is_complete, glob_function=_find
        )
        self.metadata = metadata

    def load(self) -> Checkpoint:
        """Read card and weights.

        Raises:
            DamagedError: a file is missing, incomplete or altered.
        """
        folder = Path(self._get_load_path())
        card = _read_card(folder / CARD_NAME)
        try:
            content = (folder / WEIGHTS_NAME).read_bytes()
        except OSError as error:
            raise _damaged(folder / WEIGHTS_NAME, error.strerror or "unreadable") from error
        if hashlib.sha256(content).hexdigest() != card.weights_sha256:
            raise _damaged(folder / WEIGHTS_NAME, "its digest is not the one in checkpoint.json")
        try:
            weights = load(content)
        except SafetensorError as error:
            raise _damaged(folder / WEIGHTS_NAME, str(error)) from error
        known = card.model_dump(include={"fusion_weights", "epoch", "metrics"})
        return Checkpoint(
            design=card.design, labels=card.labels, origin=card.origin, weights=weights, **known
        )

    def save(self, data: Checkpoint) -> None:
        """Write the folder under another name, then rename it.

        Raises:
            InputError: the folder cannot be written.
        """
        target = Path(self._get_save_path())
        partial = partial_path(target)
        weights = save({name: np.asarray(array, order="C") for name, array in data.weights.items()})
        fields = {name: value for name, value in vars(data).items() if name != "weights"}
        card = Card(format=FORMAT, weights_sha256=hashlib.sha256(weights).hexdigest(), **fields)
        card = card.model_copy(update={"card_sha256": card.digest()})
        try:
            self._remove_leftovers(target)
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            (partial / WEIGHTS_NAME).write_bytes(weights)
            (partial / CARD_NAME).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
            if target.exists():
                shutil.rmtree(target)
            partial.replace(target)
        except OSError as error:
            raise InputError(
                f"expected to write {target}, got {error.strerror or error}: check the folder's permissions "
                "and free space, or choose another data root with --params=data=PATH"
            ) from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
            if self._version:
                with suppress(OSError):  # a version that was not completed is an empty folder
                    target.parent.rmdir()

    def _remove_leftovers(self, target: Path) -> None:
        """Remove what killed processes left beside the target, or in the folders of the other versions."""
        folders = list(target.parent.parent.glob("*")) if self._version else [target.parent]
        for folder in folders:
            for leftover in (path for path in find_leftovers(folder) if path.is_dir()):
                shutil.rmtree(leftover)
            if self._version:
                with suppress(OSError):  # a version that was never completed is an empty folder now
                    folder.rmdir()

    def _exists(self) -> bool:
        return _is_complete(self._get_load_path().as_posix())

    def _describe(self) -> dict[str, object]:
        return {"filepath": str(self._filepath), "version": self._version}


def _is_complete(folder: str) -> bool:
    return (Path(folder) / CARD_NAME).is_file()


def _find(pattern: str) -> list[str]:
    """Find the versions' folders, `<filepath>/*/<name>`."""
    path = Path(pattern)
    return [found.as_posix() for found in path.parent.parent.glob(f"*/{path.name}")]


def _read_card(path: Path) -> Card:
    try:
        card = Card.model_validate_json(path.read_bytes())
    except OSError as error:
        raise _damaged(path, error.strerror or "unreadable") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise _damaged(path, f"{where}: {first['msg']}") from error
    if card.digest() != card.card_sha256:
        raise _damaged(path, "its digest is not the one of what it says")
    return card


def _damaged(path: Path, reason: str) -> DamagedError:
    return DamagedError(
        f"expected a whole checkpoint of format {FORMAT}, but {path.parent.name}/{path.name} is not "
        f"({reason}): choose another version with --load-versions, or run the training pipeline again"
    )

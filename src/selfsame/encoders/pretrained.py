"""Stored weights of a backbone, from a local file that holds tensors and nothing else."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from selfsame.errors import DamagedError, InputError


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file.

    Raises:
        InputError: there is no such file.
        DamagedError: it is no complete safetensors file.
    """
    if not path.is_file():
        raise InputError(
            f"Expected pretrained weights in {path}, but there is no such file: set pretrained to null"
        )
    try:
        return load_file(path)
    except SafetensorError as error:
        raise DamagedError(
            f"Expected a safetensors file, but {path.name} is none ({error}): fetch it again"
        ) from error

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
            f"expected pretrained weights in {path}, got no such file: correct the path, or set it to null"
        )
    try:
        return load_file(path)
    except SafetensorError as error:
        raise DamagedError(
            f"expected a safetensors file, got a damaged one in {path.name} ({error}): fetch it again"
        ) from error

"""Where tensors are computed. Free of torch until a device is chosen."""

from typing import Literal

from selfsame.errors import InputError

Device = Literal["auto", "cpu", "cuda"]
"""What settings may ask for; `auto` is CUDA where there is some, else the CPU."""


def choose_device(wanted: Device) -> Literal["cpu", "cuda"]:
    """Resolve `auto`, and refuse a device that is not there.

    Raises:
        InputError: CUDA is asked for, but torch sees none.
    """
    import torch

    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise InputError("expected a CUDA device, got none that torch sees: set device to cpu or auto")
    return "cuda" if wanted != "cpu" and available else "cpu"

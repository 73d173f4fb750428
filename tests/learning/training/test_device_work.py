"""Augmentation is work of the device: whole batches at a time, and nothing drawn elsewhere."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from selfsame.learning.randomness import Draws
from selfsame.learning.training.augmentation import augment
from selfsame.learning.training.regimen import PlanarAugmentation, PolarAugmentation

CHANGES = {"brightness": 0.1, "contrast": 0.2, "noise": 0.02, "occlusion": 0.5}
POLAR = PolarAugmentation(kind="polar", rotation_deg=10, radial_scale=0.1, radial_shift=0.05, **CHANGES)
PLANAR = PlanarAugmentation(
    kind="planar", rotation_deg=12, scale=0.02, translation=0.04, elastic=0.01, elastic_cells=5, **CHANGES
)


class Counting(TorchDispatchMode):
    """Counts the operations of torch."""

    def __init__(self):
        super().__init__()
        self.operations = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.operations += 1
        return func(*args, **(kwargs or {}))


def count_operations(settings, captures):
    with Counting() as counting:
        augment(torch.zeros(captures, 2, 16, 32), settings, Draws(torch.Generator(), captures))
    return counting.operations


@pytest.mark.parametrize("settings", [POLAR, PLANAR])
def test_a_batch_takes_as_many_operations_as_one_capture(settings):
    assert count_operations(settings, 64) == count_operations(settings, 1) > 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("settings", [POLAR, PLANAR])
def test_augmentation_never_waits_for_the_device(settings):
    pixels = torch.zeros(8, 2, 16, 32, device="cuda")
    draws = Draws(torch.Generator(device="cuda"), len(pixels))
    torch.cuda.set_sync_debug_mode("error")
    try:
        assert augment(pixels, settings, draws).device.type == "cuda"
    finally:
        torch.cuda.set_sync_debug_mode("default")

"""What training minimises: margin-softmax over instances and over subjects."""

import math

import torch
from torch import Tensor
from torch.nn import functional

SAFE_COSINE = 1.0 - 1e-6


def add_margin(cosines: Tensor, labels: Tensor, margin_rad: float) -> Tensor:
    """Widen the angle to the true class (J. Deng et al., ArcFace, 2019).

    cos(theta_y) becomes cos(theta_y + margin) as long as theta_y + margin stays below pi; beyond, where the
    cosine would rise again, cos(theta_y) - sin(margin) * margin, as in the authors' code.

    Args:
        cosines: (n, classes) in [-1, 1]; -inf marks a class that cannot be compared.
        labels: (n,) int64, the true class; its cosine is finite.
        margin_rad: the margin, radians.

    Returns:
        (n, classes), changed at the true class only.
    """
    true = cosines.gather(1, labels.unsqueeze(1))
    angle = torch.acos(true.clamp(-SAFE_COSINE, SAFE_COSINE)) + margin_rad
    widened = torch.where(angle < torch.pi, torch.cos(angle), true - math.sin(margin_rad) * margin_rad)
    return cosines.scatter(1, labels.unsqueeze(1), widened)


def margin_softmax(
    cosines: Tensor, labels: Tensor, *, scale: float, margin_rad: float, count: int | None = None
) -> Tensor:
    """Return the mean cross-entropy of scaled cosines with a margin.

    Args:
        cosines: (n, classes) in [-1, 1], -inf where a class cannot be compared.
        labels: (n,) int64.
        scale: factor of the cosines before the softmax.
        margin_rad: angle added to the true class, radians; 0 leaves a plain softmax.
        count: what the sum is divided by; n where absent. The shares of a batch, each divided by the number
            of the whole, add up to its mean.
    """
    widened = add_margin(cosines, labels, margin_rad) if margin_rad > 0 else cosines
    summed = functional.cross_entropy(scale * widened, labels, reduction="sum")
    return summed / (len(labels) if count is None else count)

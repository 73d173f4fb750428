"""Weighted fusion of the modalities that two sides share."""

import torch
from torch import Tensor, nn


class ModalityWeights(nn.Module):
    """One learnt weight a modality: positive, and together 1."""

    def __init__(self, modalities: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(modalities))

    def forward(self) -> Tensor:
        """Return the weights, (modalities,) float32, > 0, sum 1."""
        return torch.softmax(self.logits, dim=0)


def fuse_cosines(cosines: Tensor, shared: Tensor, weights: Tensor) -> Tensor:
    """Average the cosines of the modalities that both sides have.

    score = sum_m w_m shared_m cos_m / sum_m w_m shared_m

    What `cosines` holds where `shared` is False (zeros, leftovers, NaN) never matters.

    Args:
        cosines: (..., modalities) in [-1, 1].
        shared: (..., modalities) bool, True where both sides have the modality.
        weights: (modalities,) > 0.

    Returns:
        (...) in [-1, 1], higher is more alike; -inf where the sides share no modality.
    """
    heard = torch.where(shared, weights, torch.zeros_like(weights))
    total = heard.sum(dim=-1)
    weighted = (heard * torch.where(shared, cosines, torch.zeros_like(cosines))).sum(dim=-1)
    return torch.where(total > 0, weighted / torch.where(total > 0, total, 1.0), -torch.inf)

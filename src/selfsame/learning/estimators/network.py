"""A small convolutional network that is trained from scratch on a few pictures of each person."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from selfsame.errors import InputError
from selfsame.learning.device import choose_device
from selfsame.learning.estimators.estimator import Estimator, Images
from selfsame.learning.estimators.face_augmentation import augment_faces
from selfsame.learning.estimators.settings import Network
from selfsame.learning.randomness import derive_seed, reproducible

WHITE = 255.0
SMALLEST_DEVIATION = 1e-3
BATCH_PREDICTED = 256


class FaceNetwork(nn.Module):
    """Stages of convolution, batch normalisation, ReLU and pooling; a unit embedding; a cosine a person.

    As in `encoders.Encoder` the last map is flattened, not averaged: where a feature lies is part of who it
    is. The head compares the embedding with a direction of each person (H. Wang et al., CosFace, 2018, here
    without a margin).
    """

    def __init__(self, settings: Network, height: int, width: int, people: int) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        before = 1
        for channels in settings.channels:
            stages += [
                nn.Conv2d(before, channels, kernel_size=3, padding=1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(),
                nn.MaxPool2d(2),
            ]
            before = channels
        shrink = 2 ** len(settings.channels)
        if min(height, width) < shrink:
            raise InputError(
                f"expected pictures of {shrink} px or more for {len(settings.channels)} stages, got "
                f"{height}x{width} px: name fewer channels, or normalise to a larger size"
            )
        self.features = nn.Sequential(*stages)
        self.dropout = nn.Dropout(settings.dropout)
        self.project = nn.Linear(before * (height // shrink) * (width // shrink), settings.embedding_size)
        self.people = nn.Parameter(torch.randn(people, settings.embedding_size))
        self.scale = settings.scale

    def forward(self, pixels: Tensor) -> Tensor:
        """Score people: (n, 1, height, width) float32 in [0, 1] to (n, people) scaled cosines."""
        mean = pixels.mean(dim=(1, 2, 3), keepdim=True)
        deviation = pixels.std(dim=(1, 2, 3), keepdim=True).clamp_min(SMALLEST_DEVIATION)
        found = self.features((pixels - mean) / deviation).flatten(start_dim=1)
        embedding = functional.normalize(self.project(self.dropout(found)))
        cosines: Tensor = embedding @ functional.normalize(self.people).T
        return self.scale * cosines


class NetworkEstimator(Estimator):
    """Trains a `FaceNetwork` on augmented training pictures; the same seed gives the same weights."""

    def __init__(self, settings: Network, seed: int) -> None:
        super().__init__(seed)
        self.settings = settings

    def _learn(self, images: Images, codes: NDArray[np.int64], people: int) -> None:
        """Train on pictures of one size."""
        device = choose_device(self.settings.device)
        pixels = _to_float(images).to(device)
        labels = torch.from_numpy(codes).to(device)
        seed = derive_seed(self._seed)
        with reproducible(seed, threads=self.settings.threads, deterministic=device == "cpu"):
            _, height, width = images.shape
            network = FaceNetwork(self.settings, height, width, people).to(device)
            train(network, pixels, labels, self.settings, torch.Generator(device).manual_seed(seed))
        self._network = network.eval()

    @torch.inference_mode()
    def _predict(self, images: Images) -> NDArray[np.float64]:
        """Take the softmax of the scaled cosines."""
        device = self._network.people.device
        batches = _to_float(images).split(BATCH_PREDICTED)
        with reproducible(0, threads=self.settings.threads, deterministic=False):
            scores = torch.cat([self._network(batch.to(device)).double().cpu() for batch in batches])
        return np.asarray(scores.softmax(dim=1).numpy())


def train(
    network: FaceNetwork, pixels: Tensor, people: Tensor, settings: Network, generator: torch.Generator
) -> None:
    """Train in place, with AdamW along one cycle of the learning rate.

    Args:
        network: to be trained.
        pixels: (n, 1, height, width) float32 in [0, 1].
        people: (n,) int64.
        settings: the course of it.
        generator: of order and augmentation, on the device of the pixels.
    """
    size = min(settings.batch_size, len(pixels))
    steps = settings.epochs * (len(pixels) // size)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        settings.learning_rate,
        total_steps=max(steps, math.ceil(2 / settings.warm_up)),
        pct_start=settings.warm_up,
    )
    network.train()
    for _ in range(settings.epochs):
        order = torch.randperm(len(pixels), generator=generator, device=pixels.device)
        for batch in order[: len(order) // size * size].split(size):
            shown = augment_faces(pixels[batch], settings.augmentation, generator)
            loss = functional.cross_entropy(
                network(shown), people[batch], label_smoothing=settings.label_smoothing
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()


def _to_float(images: Images) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(images)).unsqueeze(1).float() / WHITE

"""An encoder: from a normalised capture and its mask to an embedding on the unit sphere."""

from collections.abc import Mapping
from typing import Self

import torch
from timm.models import adapt_input_conv
from torch import Tensor, nn
from torch.nn import functional

from selfsame.encoders.design import EncoderDesign
from selfsame.encoders.gabor import GaborBank
from selfsame.encoders.registry import INPUT_CHANNELS, build_backbone
from selfsame.errors import InputError, MismatchError

SMALLEST_DEVIATION = 1e-3
CONVOLUTION_DIMENSIONS = 4


class Encoder(nn.Module):
    """A backbone cut early, and a projection that keeps where things are.

    The identity of an iris is a phase at an angle, that of a print a direction at a place. So the feature
    map is not averaged over its positions (which would forget them): it is narrowed to a few channels,
    flattened and projected, as an iris code keeps one phase a place (J. Daugman, How iris recognition works,
    2004).

    Steps: standardise the image under its mask, backbone, 1x1 convolution, batch normalisation, ReLU,
    flatten, dropout, linear layer, unit length.
    """

    def __init__(self, design: EncoderDesign) -> None:
        super().__init__()
        self.design = design
        self.frozen = False
        self.layout = torch.channels_last
        self.backbone, found = build_backbone(design.name, design.stage)
        self.narrow = nn.Conv2d(found, design.channels, kernel_size=1, bias=False)
        self.normalise = nn.BatchNorm2d(design.channels)
        self.dropout = nn.Dropout(design.dropout)
        self.project = nn.Linear(self._count_features(), design.embedding_size)

    def forward(self, pixels: Tensor, factors: Tensor | None = None) -> Tensor:
        """Encode captures.

        Args:
            pixels: (n, 2, height, width) float32 in [0, 1]: image, then mask.
            factors: (n, features) of the last layer's features, 0 where one is dropped; without it, what is
                dropped in training is drawn here.

        Returns:
            (n, embedding_size) float32 of unit length.
        """
        maps = self.backbone(standardise(pixels).contiguous(memory_format=self.layout))[-1]
        narrow = functional.relu(self.normalise(self.narrow(maps)))
        features = narrow.flatten(start_dim=1)
        kept = self.dropout(features) if factors is None else features * factors
        return functional.normalize(self.project(kept).float())

    def adopt(self, weights: Mapping[str, Tensor]) -> None:
        """Start the backbone from stored weights of the same timm model.

        Weights of the stages that were cut off are left out; the first layer's filters are adapted to two
        channels.

        Args:
            weights: tensors by timm's names.

        Raises:
            InputError: the backbone has no weights.
            MismatchError: weights are missing or of another shape.
        """
        if isinstance(self.backbone, GaborBank):
            raise InputError(
                f"expected pretrained weights for timm models alone, got some for {self.design.name!r}, "
                "which has fixed filters: set pretrained to null"
            )
        own = self.backbone.model.state_dict()
        chosen = {name: _adapt(weights[name], own[name]) for name in own.keys() & weights.keys()}
        for name, tensor in sorted(own.items()):
            found = tuple(chosen[name].shape) if name in chosen else "absent"
            if found != tuple(tensor.shape):
                raise MismatchError(
                    f"expected pretrained weights of {self.design.name!r}, with {name} of shape "
                    f"{tuple(tensor.shape)}, got {found}: give the file of that model, or set pretrained to "
                    "null"
                )
        self.backbone.model.load_state_dict(chosen)

    def lay_out(self, layout: torch.memory_format) -> None:
        """Keep filters, and what is filtered, in this order in memory; it changes speed and last bits."""
        self.layout = layout
        self.to(memory_format=layout)

    def freeze(self) -> None:
        """Train the projection alone; the backbone keeps its weights and its statistics."""
        self.frozen = True
        self.backbone.requires_grad_(False)
        self.backbone.eval()

    def train(self, mode: bool = True) -> Self:
        """Switch to training, but never a frozen backbone."""
        super().train(mode)
        if self.frozen:
            self.backbone.eval()
        return self

    def _count_features(self) -> int:
        """Send one empty image through the backbone: the sizes decide the input of the projection."""
        empty = torch.zeros(1, INPUT_CHANNELS, self.design.height, self.design.width)
        training = self.backbone.training
        self.backbone.eval()
        try:
            with torch.no_grad():
                features = self.backbone(empty)[-1]
        except (AssertionError, RuntimeError) as error:
            raise InputError(
                f"expected an encoder that takes {self.design.height} x {self.design.width} pixels, got "
                f"{self.design.name!r}, which refuses ({str(error).splitlines()[0]}): choose another encoder "
                "or another size"
            ) from error
        self.backbone.train(training)
        return self.narrow(features).numel()


def standardise(pixels: Tensor) -> Tensor:
    """Give each image mean 0 and deviation 1 under its mask, and 0 outside of it.

    Args:
        pixels: (n, 2, height, width) float32: image, then mask in [0, 1].

    Returns:
        The same shape: standardised image, then the mask as it came.
    """
    image, mask = pixels[:, :1], pixels[:, 1:]
    seen = mask.sum(dim=(2, 3), keepdim=True).clamp_min(1.0)
    centred = (image - (image * mask).sum(dim=(2, 3), keepdim=True) / seen) * mask
    deviation = (centred.square().sum(dim=(2, 3), keepdim=True) / seen).sqrt()
    return torch.cat([centred / (deviation + SMALLEST_DEVIATION), mask], dim=1)


def _adapt(stored: Tensor, own: Tensor) -> Tensor:
    """Adapt the filters of a first layer for colours to image and mask; leave every other tensor as it is."""
    both_filters = stored.ndim == own.ndim == CONVOLUTION_DIMENSIONS
    if both_filters and own.shape[1] == INPUT_CHANNELS != stored.shape[1]:
        adapted: Tensor = adapt_input_conv(INPUT_CHANNELS, stored)
        return adapted
    return stored

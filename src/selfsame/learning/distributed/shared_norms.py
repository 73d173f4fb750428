"""Batch normalisation over the captures of all processes: however a batch is shared, it is the same."""

import torch
from torch import Tensor, distributed, nn
from torch.autograd.function import FunctionCtx
from torch.nn.modules.batchnorm import _BatchNorm

from selfsame.errors import InputError


class SharedBatchNorm(nn.BatchNorm2d):
    """nn.BatchNorm2d, or timm's with an activation, with the statistics of all processes (on any device).

    torch's own SyncBatchNorm needs CUDA. Statistics are joined as in T. F. Chan, G. H. Golub and
    R. J. LeVeque, Updating formulae and a pairwise algorithm for computing sample variances, 1979. A process
    may have no captures at all.
    """

    def __init__(self, plain: nn.BatchNorm2d) -> None:
        """Take over the parameters and statistics of a plain one, under the same names."""
        super().__init__(
            plain.num_features, plain.eps, plain.momentum, plain.affine, plain.track_running_stats
        )
        self.weight, self.bias = plain.weight, plain.bias
        for name, buffer in plain.named_buffers(recurse=False):
            setattr(self, name, buffer)
        self.drop = getattr(plain, "drop", nn.Identity())
        self.act = getattr(plain, "act", nn.Identity())
        self.train(plain.training)

    @torch.compiler.disable
    def forward(self, features: Tensor) -> Tensor:
        """Normalise, (n, channels, height, width); in evaluation by the running statistics."""
        normalised = self._normalise(features) if self.training else super().forward(features)
        activated: Tensor = self.act(self.drop(normalised))
        return activated

    def _normalise(self, features: Tensor) -> Tensor:
        count, mean, variance = gather_statistics(features.detach())
        tracked = self.num_batches_tracked
        if tracked is not None and self.running_mean is not None and self.running_var is not None:
            tracked.add_(1)
            share = 1 / float(tracked) if self.momentum is None else self.momentum
            self.running_mean.lerp_(mean, share)
            self.running_var.lerp_(variance * (count / (count - 1).clamp_min(1)), share)
        normalised: Tensor = _Normalise.apply(
            features,
            torch.ones_like(mean) if self.weight is None else self.weight,
            torch.zeros_like(mean) if self.bias is None else self.bias,
            mean,
            (variance + self.eps).rsqrt(),
            count,
        )
        return normalised


def share_norms(module: nn.Module) -> nn.Module:
    """Replace every batch normalisation below a module; those of frozen parts stay by the running statistics.

    Raises:
        InputError: the module has a batch normalisation of a kind that is not known.
    """
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d) and hasattr(child, "running_mean"):
            setattr(module, name, SharedBatchNorm(child))
        elif isinstance(child, _BatchNorm):
            raise InputError(
                f"expected batch normalisation of images in {name}, got {type(child).__name__}, which cannot "
                "be shared by several processes: choose another encoder, or set training.devices to 1"
            )
        else:
            share_norms(child)
    return module


def gather_statistics(features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Join the statistics of all processes.

    Args:
        features: (n, channels, height, width) of this process, n may be 0.

    Returns:
        How many values a channel there are, a scalar; their mean and their variance (divided by their
        number), (channels,); all float32, with sums in float64.
    """
    channels = features.shape[1]
    own = torch.zeros(1 + 2 * channels, dtype=torch.float64, device=features.device)
    if features.numel():
        variance, mean = torch.var_mean(features.float(), dim=(0, 2, 3), correction=0)
        own = torch.cat([own.new_tensor([features.numel() / channels]), mean.double(), variance.double()])
    everyone = [torch.empty_like(own) for _ in range(distributed.get_world_size())]
    distributed.all_gather(everyone, own)
    table = torch.stack(everyone)
    counts, means, variances = table[:, :1], table[:, 1 : 1 + channels], table[:, 1 + channels :]
    count = counts.sum()
    mean = (counts * means).sum(dim=0) / count
    variance = (counts * (variances + (means - mean).square())).sum(dim=0) / count
    return count.float(), mean.float(), variance.float()


class _Normalise(torch.autograd.Function):
    """(x - mean) / deviation * weight + bias, where mean and deviation follow from the x of all processes."""

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        features: Tensor,
        weight: Tensor,
        bias: Tensor,
        mean: Tensor,
        inverse: Tensor,
        count: Tensor,
    ) -> Tensor:
        """Normalise one process's features."""
        ctx.save_for_backward(features, weight, mean, inverse, count)
        scale, shift = weight * inverse, bias - mean * inverse * weight
        return torch.addcmul(_spread(shift), features.float(), _spread(scale)).to(features.dtype)

    @staticmethod
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Pass the gradient on; every process takes part, also one without captures."""
        features, weight, mean, inverse, count = ctx.saved_tensors  # type: ignore[attr-defined]
        gradient = gradients[0].float()
        centred = (features.float() - _spread(mean)) * _spread(inverse)
        bias_gradient = gradient.sum(dim=(0, 2, 3))
        weight_gradient = (gradient * centred).sum(dim=(0, 2, 3))
        sums = torch.cat([bias_gradient, weight_gradient])
        distributed.all_reduce(sums)
        offset, slope = (sums / count).chunk(2)
        passed = (gradient - _spread(offset) - centred * _spread(slope)) * _spread(weight * inverse)
        return passed.to(features.dtype), weight_gradient, bias_gradient, None, None, None


def _spread(channels: Tensor) -> Tensor:
    return channels.reshape(1, -1, 1, 1)

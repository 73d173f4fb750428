"""Backbones by name: every timm model that hands out feature maps, and a bank of Gabor filters."""

import difflib
import warnings

import timm
from timm.models._features import FeatureGetterNet

from selfsame.encoders.gabor import GaborBank
from selfsame.errors import InputError

GABOR = "gabor"
INPUT_CHANNELS = 2

Backbone = FeatureGetterNet | GaborBank


def build_backbone(name: str, stage: int) -> tuple[Backbone, int]:
    """Build a timm backbone with random weights, cut after one stage, or the fixed bank of Gabor filters.

    Args:
        name: timm's name of the model, or `gabor`.
        stage: index of the last stage to keep; the later ones are dropped, weights and all. The bank has
            stage 0 alone.

    Returns:
        The backbone, (n, 2, height, width) -> list of one (n, channels, h, w), and its number of channels.

    Raises:
        InputError: there is no such backbone, or it has no such stage.
    """
    if name == GABOR:
        return _build_bank(stage)
    return _build_timm(name, stage)


def _build_bank(stage: int) -> tuple[GaborBank, int]:
    if stage != 0:
        raise InputError(f"expected stage 0 of {GABOR!r}, the only one it has, got {stage}: set it to 0")
    bank = GaborBank()
    return bank, bank.channels


def _build_timm(name: str, stage: int) -> tuple[FeatureGetterNet, int]:
    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), n=3, cutoff=0.5)
        hint = f"did you mean {', '.join(near)}?" if near else f"see timm.list_models(), or take {GABOR!r}"
        raise InputError(f"expected the name of a timm model as encoder, got {name!r}: {hint}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            backbone = timm.create_model(
                name,
                pretrained=False,
                in_chans=INPUT_CHANNELS,
                features_only=True,
                feature_cls="getter",
                out_indices=(stage,),
            )
    except (AssertionError, AttributeError, IndexError, RuntimeError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"expected a timm model that gives feature maps at stage {stage}, got {name!r}, which refuses "
            f"({reason}): choose another encoder or another stage"
        ) from error
    if not isinstance(backbone, FeatureGetterNet):
        raise InputError(
            f"expected a timm model that can be cut at a stage, got {name!r}, which cannot: choose another"
        )
    channels: list[int] = backbone.feature_info.channels()
    return backbone, channels[-1]

"""How training goes about it: the settings of a run, as typed values that are free of torch."""

import math
from typing import Annotated, Literal

from pydantic import Field

from selfsame.learning.device import Device
from selfsame.parameters import Settings, Share

PositiveFloat = Annotated[float, Field(gt=0)]
PositiveInt = Annotated[int, Field(gt=0)]
DeviceCount = Literal["auto"] | PositiveInt
Residence = Literal["auto", "host", "device"]
"""Where arrays live: memory-mapped from their files (host), or copied whole to the device, by each process
that trains. `auto` is the device where it is a CUDA device with room, else host."""


class ArcFace(Settings):
    """A softmax over scaled cosines with an angular margin (J. Deng et al., ArcFace, 2019)."""

    kind: Literal["arcface"]
    scale: PositiveFloat  # factor of the cosines before the softmax
    margin_rad: Annotated[float, Field(ge=0, lt=3.14159)]  # angle added to the true class, radians
    margin_ramp: Share  # share of the training over which the margin grows from 0
    modality_share: Annotated[float, Field(ge=0)]  # weight of the mean loss of single modalities

    def margin_at(self, progress: float) -> float:
        """Return the margin in radians after a share `progress`, in [0, 1], of the training."""
        if progress >= self.margin_ramp:
            return self.margin_rad
        return self.margin_rad * progress / self.margin_ramp


class Softmax(Settings):
    """A softmax over scaled cosines."""

    kind: Literal["softmax"]
    scale: PositiveFloat  # factor of the cosines before the softmax
    modality_share: Annotated[float, Field(ge=0)]  # weight of the mean loss of single modalities

    def margin_at(self, _progress: float) -> float:
        """Return 0: there is no margin at any time."""
        return 0.0


Objective = Annotated[ArcFace | Softmax, Field(discriminator="kind")]


class CosineSchedule(Settings):
    """The learning rate rises linearly, then falls along half a cosine."""

    kind: Literal["cosine"]
    warm_up: Share  # share of the training over which it rises
    floor: Share  # share of the peak that it has fallen to after the last step

    def factor_at(self, progress: float) -> float:
        """Return the share of the peak learning rate after a share `progress`, in [0, 1], of the training."""
        if progress < self.warm_up:
            return progress / self.warm_up
        fallen = (progress - self.warm_up) / max(1 - self.warm_up, 1e-9)
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * min(fallen, 1.0))) / 2


class ConstantSchedule(Settings):
    """The learning rate stays."""

    kind: Literal["constant"]

    def factor_at(self, _progress: float) -> float:
        """Return 1 at any time."""
        return 1.0


Schedule = Annotated[CosineSchedule | ConstantSchedule, Field(discriminator="kind")]


class EarlyStopping(Settings):
    """When to stop before the last epoch."""

    monitor: Literal["train_loss", "validation_loss"]
    patience: PositiveInt  # epochs without a new lowest value


class PolarAugmentation(Settings):
    """Changes of an unwrapped iris that leave its identity."""

    kind: Literal["polar"]
    rotation_deg: Annotated[float, Field(ge=0, le=180)]  # largest turn of the eye, either way
    radial_scale: Share  # largest relative change of the radial size
    radial_shift: Share  # largest shift along the radius, share of the height
    brightness: Share  # largest change, share of the full range
    contrast: Share  # largest relative change
    noise: Share  # deviation of the noise, share of the full range
    occlusion: Share  # share of the captures that lose a sector from the limbus inwards


class PlanarAugmentation(Settings):
    """Changes of a print, or of any flat image, that leave its identity."""

    kind: Literal["planar"]
    rotation_deg: Annotated[float, Field(ge=0, le=180)]  # largest rotation, either way
    scale: Share  # largest relative change of the size
    translation: Share  # largest shift along each axis, share of the side
    elastic: Share  # deviation of the elastic displacement, share of the side
    elastic_cells: PositiveInt  # control points of the elastic displacement along each axis
    brightness: Share  # largest change, share of the full range
    contrast: Share  # largest relative change
    noise: Share  # deviation of the noise, share of the full range
    occlusion: Share  # share of the captures that lose a rectangle


Augmentation = Annotated[PolarAugmentation | PlanarAugmentation, Field(discriminator="kind")]


class Checkpoints(Settings):
    """How often the state is written within an epoch, beside its end; a killed run goes on from it."""

    every_steps: PositiveInt | None  # of the optimiser, counted in each epoch
    every_minutes: PositiveFloat | None


class Regimen(Settings):
    """The course of a training run."""

    max_epochs: PositiveInt  # presentations of every training row
    batch_size: PositiveInt  # presentations
    accumulate: PositiveInt  # batches a step of the optimiser
    clip_norm: PositiveFloat | None  # largest norm of the gradient; null: no clipping
    learning_rate: PositiveFloat  # peak
    weight_decay: Annotated[float, Field(ge=0)]  # of AdamW, on matrices and filters alone
    schedule: Schedule
    early_stopping: EarlyStopping | None
    modality_dropout: Annotated[float, Field(ge=0, lt=1)]  # share of the modalities hidden from the fusion
    objective: Objective
    precision: Literal["32-true", "bf16-mixed"]
    compile: bool  # whether torch compiles the encoders
    channels_last: bool  # whether the channels of a pixel lie side by side in memory
    fused: bool  # whether the optimiser updates all weights in one call
    device: Device
    threads: PositiveInt  # of the processor; the same number is needed for the same bits
    prefetch: PositiveInt  # batches that a thread gathers ahead of the loop
    checkpoints: Checkpoints
    devices: DeviceCount  # that train together, one process each; auto: all that are there, of CPUs one
    residence: Residence  # of the arrays: see there
    resident_share: Share  # of a CUDA device's free memory that the arrays may take under auto


class EncoderSettings(Settings):
    """One encoder, how it starts and how its captures are augmented."""

    name: str  # timm's name of the backbone, or gabor
    stage: Annotated[int, Field(ge=0)]  # index of the last stage that is kept
    channels: PositiveInt  # kept at each position
    embedding_size: PositiveInt  # numbers
    dropout: Annotated[float, Field(ge=0, lt=1)]  # share of the features before the last layer
    pretrained: str | None  # a local safetensors file of the same timm model
    frozen: bool  # whether the backbone is left as it is
    augmentation: Augmentation  # of the captures it is trained on

"""The settings of each kind of estimator: a tagged union, so that `kind` chooses the code."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from selfsame.learning.device import Device
from selfsame.parameters import PartialShare, Settings


class PcaSvm(Settings):
    """Principal components and a linear support vector machine, one class against the rest."""

    kind: Literal["pca_svm"]
    components: PositiveInt  # at most
    whitening: bool
    cost: PositiveFloat  # C, for coordinates whose mean squared length is 1
    calibration: Literal["platt", "temperature"]  # how decision values become a posterior
    folds: Annotated[int, Field(ge=2)]  # of the training images, for the calibration


class PcaBayes(Settings):
    """Principal components and Bayesian multinomial logistic regression, by Laplace's approximation."""

    kind: Literal["pca_bayes"]
    components: PositiveInt  # at most
    whitening: bool
    prior_variances: tuple[PositiveFloat, ...] = Field(min_length=1)  # candidates, of each weight
    temperatures: tuple[PositiveFloat, ...] = Field(min_length=1)  # candidates, of the posterior; 1: Bayes
    folds: Annotated[int, Field(ge=2)]  # of the training images, to choose among the candidates
    draws: PositiveInt  # of the weights, behind each posterior over the people


class FaceAugmentation(Settings):
    """Changes of a face that leave its identity."""

    rotation_deg: Annotated[float, Field(ge=0, le=90)]  # largest, either way
    scale: PartialShare  # largest relative change
    translation: PartialShare  # largest shift along each axis, share of the side
    lighting: PartialShare  # largest relative change from the middle to either side
    mirror: bool  # whether half of the faces are mirrored


class Network(Settings):
    """A small convolutional network, trained from scratch."""

    kind: Literal["network"]
    channels: tuple[PositiveInt, ...] = Field(min_length=1)  # of each stage; each halves the picture
    embedding_size: PositiveInt
    dropout: PartialShare  # of the features before the embedding
    epochs: PositiveInt
    batch_size: PositiveInt
    learning_rate: PositiveFloat  # peak, of AdamW
    weight_decay: NonNegativeFloat
    warm_up: Annotated[float, Field(gt=0, lt=1)]  # share of the steps over which the rate rises
    scale: PositiveFloat  # factor of the cosines before the softmax
    label_smoothing: PartialShare
    augmentation: FaceAugmentation
    device: Device
    threads: PositiveInt  # of the processor; the same number is needed for the same bits


EstimatorSettings = Annotated[PcaSvm | PcaBayes | Network, Field(discriminator="kind")]

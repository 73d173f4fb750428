"""What an encoder is, in words and numbers: enough to build it again, without torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EncoderDesign:
    """The architecture of one encoder.

    Attributes:
        name: timm's name of the backbone, or `gabor`.
        stage: index of the backbone's stage whose feature map is kept (1: stride 4, 2: stride 8 in most).
        channels: channels that each position keeps after the 1x1 convolution.
        embedding_size: length of the embedding.
        dropout: share of the features dropped before the last layer in training, in [0, 1).
        height: of the input, pixels.
        width: of the input, pixels.
    """

    name: str
    stage: int
    channels: int
    embedding_size: int
    dropout: float
    height: int
    width: int

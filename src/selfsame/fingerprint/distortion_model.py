"""How strongly a second impression of a finger differs from the first."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class DistortionModel:
    """The strengths of a second impression; zero everywhere leaves the print as it is.

    Lengths are shares of the image's shorter side, so that one model serves every resolution.

    Attributes:
        translation_share: standard deviation of the placement along each axis.
        rotation_deg: standard deviation of the rotation of the finger.
        elastic_share: root mean square displacement of the skin.
        elastic_reach_share: length over which the skin's displacement stays alike.
        pressure: standard deviation of the pressure: 1 swells (-1 thins) the ridges by a pixel of its
            kernel on each side.
        scratches: mean number of scratches.
        dry_share: mean share of the print where dry skin fades the ridges.
        crop_share: largest share of the print that the border of the contact cuts off, uniform from 0.
        noise_share: standard deviation of the sensor's noise as a share of a ridge's contrast.
    """

    translation_share: float
    rotation_deg: float
    elastic_share: float
    elastic_reach_share: float
    pressure: float
    scratches: float
    dry_share: float
    crop_share: float
    noise_share: float

    def __post_init__(self) -> None:
        for item in fields(self):
            strength = getattr(self, item.name)
            if not strength >= 0:
                raise ValueError(f"expected {item.name} of 0 or more, got {strength}")
        if self.elastic_share > 0 and not self.elastic_reach_share > 0:
            raise ValueError("expected elastic_reach_share over 0 where elastic_share is over 0, got 0")

"""The numbers behind a procedural fingerprint and the sensor that records it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FingerprintModel:
    """A population of fingers and the sensor that they are pressed on.

    Attributes:
        height_px: rows of the sensor.
        width_px: columns of the sensor.
        ridge_period_px: mean distance between neighbouring ridges on the sensor (9 at 500 dpi).
        ridge_period_spread: standard deviation of the period, relative, between fingers and inside one.
        arch_share: share of fingers whose pattern is an arch.
        whorl_share: share of fingers whose pattern is a whorl; what remains are loops.
        growth_steps: rounds of filtering that grow the ridges from their seeds.
    """

    height_px: int
    width_px: int
    ridge_period_px: float
    ridge_period_spread: float
    arch_share: float
    whorl_share: float
    growth_steps: int

    def __post_init__(self) -> None:
        if not (self.ridge_period_px >= 3 and min(self.height_px, self.width_px) >= 4 * self.ridge_period_px):
            raise ValueError(
                f"expected a ridge period of 3 px or more and a sensor of 4 periods or more, got a period of"
                f" {self.ridge_period_px} px on {self.width_px}x{self.height_px} px"
            )
        if not (min(self.arch_share, self.whorl_share) >= 0 and self.arch_share + self.whorl_share <= 1):
            raise ValueError(
                f"expected shares of patterns of 0 or more that add up to at most 1, got arch_share"
                f" {self.arch_share} and whorl_share {self.whorl_share}"
            )

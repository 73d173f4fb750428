"""The numbers behind a procedural eye and the near-infrared camera that records it."""

from dataclasses import asdict, dataclass

from selfsame.sources.synthetic.strengths import require_drawable

HIGHEST = {
    "limbus_spread": 0.3,
    "tilt_deg": 45,
    "gaze_share": 0.3,
    "placement_share": 0.1,
    "opening_high": 2,
    "texture_levels": 60,
    "lashes": 1000,
    "highlights": 100,
    "blur_px": 20,
    "noise_levels": 100,
    "exposure_spread": 1,
}
"""Where a strength leaves what can still be rendered as an eye; what is not named here is bounded below."""


@dataclass(frozen=True)
class EyeModel:
    """A population of eyes and how much one eye varies from capture to capture.

    Levels are grey levels of 0 to 255; shares of the limbus are shares of its radius.

    Attributes:
        height_px: rows of the image.
        width_px: columns of the image.
        limbus_share: mean radius of the limbus as a share of the image's height.
        limbus_spread: standard deviation of that radius, relative, between identities.
        dilation_low: smallest ratio of the pupil's radius to the limbus's; uniform between the two.
        dilation_high: largest ratio of the pupil's radius to the limbus's.
        tilt_deg: standard deviation of the head's tilt.
        gaze_share: standard deviation of the iris's place between the lids along each axis, of the limbus.
        placement_share: standard deviation of the eye's place along each axis, of the image's height.
        opening_low: smallest height of the upper lid over the eye's axis, of the limbus; uniform by identity.
        opening_high: largest height of the upper lid over the eye's axis, of the limbus.
        texture_levels: standard deviation of the iris's texture.
        lashes: mean number of lashes of the upper lid; the lower lid has half as many.
        highlights: mean number of highlights beside the lamp's own reflection.
        blur_px: largest standard deviation of the camera's blur, uniform from a third of it.
        noise_levels: standard deviation of the camera's noise.
        exposure_spread: standard deviation of the brightness, relative.
    """

    height_px: int
    width_px: int
    limbus_share: float
    limbus_spread: float
    dilation_low: float
    dilation_high: float
    tilt_deg: float
    gaze_share: float
    placement_share: float
    opening_low: float
    opening_high: float
    texture_levels: float
    lashes: float
    highlights: float
    blur_px: float
    noise_levels: float
    exposure_spread: float

    def __post_init__(self) -> None:
        require_drawable(asdict(self), HIGHEST, smallest_side_px=16)
        if not 0.1 <= self.limbus_share <= 0.45:
            raise ValueError(f"expected limbus_share between 0.1 and 0.45, got {self.limbus_share}")
        if not 0.1 <= self.dilation_low <= self.dilation_high <= 0.8:
            raise ValueError(
                f"expected 0.1 <= dilation_low <= dilation_high <= 0.8, got {self.dilation_low}"
                f" and {self.dilation_high}"
            )
        if not self.opening_low <= self.opening_high:
            raise ValueError(
                f"expected opening_low of at most opening_high, got {self.opening_low}"
                f" and {self.opening_high}"
            )

"""The numbers behind a drawn face and the camera that records it."""

from dataclasses import asdict, dataclass

from selfsame.sources.synthetic.strengths import require_drawable

HIGHEST = {
    "turn": 0.5,
    "tilt_deg": 45,
    "placement_share": 0.2,
    "size_spread": 0.3,
    "expression": 3,
    "lighting": 1,
    "exposure_spread": 1,
    "blur_px": 20,
    "noise_levels": 100,
}
"""Where a strength leaves what can still be drawn as a face."""


@dataclass(frozen=True)
class FaceModel:
    """A population of faces and how much one face varies from capture to capture.

    Attributes:
        height_px: rows of the image.
        width_px: columns of the image.
        variety: how far identities differ, relative to the usual; 0 makes all people alike.
        turn: standard deviation of the head's turn to a side, shift of its middle in half widths.
        tilt_deg: standard deviation of the head's tilt.
        placement_share: standard deviation of the face's place along each axis, of the image's height.
        size_spread: standard deviation of the face's size, relative.
        expression: standard deviation of smile and brows, relative to the usual.
        lighting: standard deviation of the change of light from one side to the other, relative.
        exposure_spread: standard deviation of the brightness, relative.
        blur_px: largest standard deviation of the camera's blur, uniform from a third of it.
        noise_levels: standard deviation of the camera's noise, grey levels.
    """

    height_px: int
    width_px: int
    variety: float
    turn: float
    tilt_deg: float
    placement_share: float
    size_spread: float
    expression: float
    lighting: float
    exposure_spread: float
    blur_px: float
    noise_levels: float

    def __post_init__(self) -> None:
        require_drawable(asdict(self), HIGHEST, smallest_side_px=32)

"""Drawn faces: head, hair, brows, eyes, nose and mouth of a made-up person, captured again and again.

A drawing, not a portrait: it has the structure that a recogniser of faces meets (identity in proportions and
tones, against pose, expression and light), so that a workload runs without any data set. No rate that is
measured on it says anything about real faces.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.sources.synthetic.face_model import FaceModel

Canvas = NDArray[np.float32]
Point = tuple[float, float]

SHIFT = 4
"""Binary digits of the fractions of a pixel that OpenCV draws with."""

BACKGROUND_LEVEL = 95.0
EYE_WHITE_LEVEL = 225.0
PUPIL_LEVEL = 25.0

USUAL: dict[str, tuple[float, float, float]] = {
    "head_width": (0.31, 0.025, 0.2),
    "head_height": (0.40, 0.022, 0.3),
    "jaw": (0.55, 0.1, 0.1),
    "skin_level": (165.0, 22.0, 60.0),
    "hair_level": (70.0, 32.0, 10.0),
    "hair_line": (0.55, 0.12, 0.2),
    "hair_side": (0.12, 0.08, 0.0),
    "eye_height": (0.06, 0.022, -0.05),
    "eye_distance": (0.135, 0.013, 0.08),
    "eye_width": (0.058, 0.008, 0.03),
    "eye_opening": (0.45, 0.09, 0.1),
    "iris_level": (85.0, 25.0, 20.0),
    "brow_height": (0.055, 0.011, 0.02),
    "brow_slope": (0.0, 0.14, -0.5),
    "brow_thickness": (0.016, 0.005, 0.004),
    "nose_length": (0.115, 0.017, 0.05),
    "nose_width": (0.05, 0.009, 0.02),
    "mouth_height": (0.20, 0.014, 0.12),
    "mouth_width": (0.095, 0.014, 0.04),
    "lip_thickness": (0.018, 0.006, 0.004),
    "lip_level": (105.0, 17.0, 30.0),
}
"""Of each trait of an identity its mean, standard deviation and least value.

Lengths are shares of the image's height, heights measured from the middle of the face; `jaw` is the width of
the chin over that of the head, `hair_line` the height of the hair's edge over that of the head.
"""


@dataclass(frozen=True)
class Face:
    """One identity.

    Attributes:
        traits: by name, as in `USUAL`.
        marks: (n, 3) float64, spots of the skin: place (x, y) in half sizes of the head, and depth in grey
            levels.
    """

    traits: dict[str, float]
    marks: NDArray[np.float64]


@dataclass(frozen=True)
class FacePose:
    """What differs between captures of one face.

    Attributes:
        turn: of the head to a side: shift of its middle in half widths of the head.
        tilt_rad: clockwise as the image is seen.
        shift: of the face's place (x, y), share of the image's height.
        size: factor.
        smile: how far the corners of the mouth rise, relative to the usual.
        brows: how far the brows rise, relative to the usual.
        opening: factor of the eyes' opening.
        light: relative change of light from the middle to the right side.
        exposure: factor.
    """

    turn: float
    tilt_rad: float
    shift: Point
    size: float
    smile: float
    brows: float
    opening: float
    light: float
    exposure: float


def synthesise_face(rng: np.random.Generator, model: FaceModel) -> Face:
    """Draw one identity from its own generator."""
    traits = {
        name: max(least, mean + model.variety * deviation * float(rng.standard_normal()))
        for name, (mean, deviation, least) in USUAL.items()
    }
    places = rng.uniform(-0.7, 0.7, size=(int(rng.integers(0, 4)), 2))
    depths = model.variety * rng.uniform(15, 50, size=(len(places), 1))
    return Face(traits, np.hstack([places, depths]))


def pose_face(rng: np.random.Generator, model: FaceModel) -> FacePose:
    """Draw what one capture is like."""
    return FacePose(
        turn=float(np.clip(rng.normal(0, model.turn), -0.5, 0.5)),
        tilt_rad=float(np.deg2rad(rng.normal(0, model.tilt_deg))),
        shift=(float(rng.normal(0, model.placement_share)), float(rng.normal(0, model.placement_share))),
        size=float(np.exp(rng.normal(0, model.size_spread))),
        smile=float(rng.normal(0, model.expression)),
        brows=float(rng.normal(0, model.expression)),
        opening=float(np.clip(1 + 0.3 * rng.normal(0, model.expression), 0.1, 1.6)),
        light=float(rng.normal(0, model.lighting)),
        exposure=float(np.exp(rng.normal(0, model.exposure_spread))),
    )


def render_face(rng: np.random.Generator, face: Face, pose: FacePose, model: FaceModel) -> NDArray[np.uint8]:
    """Render one capture.

    Args:
        rng: the capture's own generator, which decides background, blur and noise.
        face: whose face it is.
        pose: how it is held and lit.
        model: the camera.

    Returns:
        (height_px, width_px) uint8.
    """
    level = BACKGROUND_LEVEL * float(rng.uniform(0.8, 1.2))
    canvas = np.full((model.height_px, model.width_px), level, np.float32)
    pen = _Pen(canvas, face, pose)
    _draw_head(pen)
    _draw_features(pen)
    across = np.linspace(-1, 1, model.width_px, dtype=np.float32)
    canvas *= np.clip(1 + pose.light * across, 0.05, None) * pose.exposure
    sigma = float(rng.uniform(model.blur_px / 3, model.blur_px))
    blurred = cv2.GaussianBlur(canvas, (0, 0), sigma) if sigma > 0 else canvas
    noise = rng.normal(0, model.noise_levels, canvas.shape) if model.noise_levels else 0.0
    return np.asarray(np.clip(np.rint(blurred + noise), 0, 255), np.uint8)


class _Pen:
    """Draws in the coordinates of a face: x to the right, y down, shares of the image's height."""

    def __init__(self, canvas: Canvas, face: Face, pose: FacePose) -> None:
        self.canvas = canvas
        self.face = face
        self.pose = pose
        self.traits = face.traits
        self._scale = canvas.shape[0] * pose.size

    def place(self, x: float, y: float, *, depth: float = 1.0) -> NDArray[np.float64]:
        """Find where a point lies in the image; one that stands out moves as the head turns.

        Args:
            x: to the right.
            y: down.
            depth: how far it stands out: 0 at the outline of the head, 1 at the eyes, more at the nose.
        """
        half = self.traits["head_width"]
        turned = x * np.cos(self.pose.turn) + depth * self.pose.turn * half * np.sqrt(
            max(0.0, 1 - (x / half) ** 2)
        )
        cosine, sine = np.cos(self.pose.tilt_rad), np.sin(self.pose.tilt_rad)
        rows, columns = self.canvas.shape
        return np.array(
            [
                columns / 2 + rows * self.pose.shift[0] + self._scale * (cosine * turned - sine * y),
                rows * (0.52 + self.pose.shift[1]) + self._scale * (sine * turned + cosine * y),
            ]
        )

    def fill(self, points: Sequence[Point], level: float, *, depth: float = 1.0) -> None:
        """Fill a polygon."""
        corners = np.array([self.place(x, y, depth=depth) for x, y in points])
        fixed = np.rint(corners * 2**SHIFT).astype(np.int32)
        cv2.fillPoly(self.canvas, [fixed], level, cv2.LINE_8, SHIFT)

    def oval(self, centre: Point, width: float, height: float, level: float, *, depth: float = 1.0) -> None:
        """Fill an ellipse of these half axes."""
        angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        points = [
            (centre[0] + width * float(np.cos(a)), centre[1] + height * float(np.sin(a))) for a in angles
        ]
        self.fill(points, level, depth=depth)


def _draw_head(pen: _Pen) -> None:
    """Draw neck, hair and the outline of the face, narrower at the chin by its jaw."""
    traits = pen.traits
    width, height = traits["head_width"], traits["head_height"]
    skin, hair = traits["skin_level"], traits["hair_level"]
    pen.fill(
        [(-0.5 * width, 0), (0.5 * width, 0), (0.6 * width, 0.7), (-0.6 * width, 0.7)], 0.8 * skin, depth=0
    )
    side = width * (1 + traits["hair_side"])
    pen.oval((0, -0.12 * height), side, height, hair, depth=0)
    angles = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    outline = []
    for angle in angles:
        down = max(0.0, float(np.sin(angle)))
        narrow = 1 - (1 - traits["jaw"]) * down**3 * 0.8
        outline.append((width * narrow * float(np.cos(angle)), height * float(np.sin(angle))))
    line = -traits["hair_line"] * height
    pen.fill([(x, max(y, line)) for x, y in outline], skin, depth=0)
    for x, y, depth in pen.face.marks:
        pen.oval((x * 0.7 * width, y * 0.7 * height), 0.012, 0.012, skin - depth)


def _draw_features(pen: _Pen) -> None:
    """Draw both eyes and brows, nose and mouth."""
    for side in (-1, 1):
        _draw_eye(pen, side)
    traits, skin = pen.traits, pen.traits["skin_level"]
    top, length, width = -traits["eye_height"], traits["nose_length"], traits["nose_width"]
    tip = top + length + 0.02
    pen.fill([(-0.25 * width, top), (0.25 * width, top), (width, tip), (-width, tip)], 0.93 * skin, depth=1.3)
    for side in (-1, 1):
        pen.oval((side * 0.55 * width, tip), 0.3 * width, 0.008, 0.5 * skin, depth=1.3)
    _draw_mouth(pen)


def _draw_eye(pen: _Pen, side: int) -> None:
    traits = pen.traits
    centre = (side * traits["eye_distance"], -traits["eye_height"])
    width = traits["eye_width"]
    height = width * traits["eye_opening"] * pen.pose.opening
    pen.oval(centre, 1.12 * width, 1.25 * height, 0.75 * traits["skin_level"])
    pen.oval(centre, width, height, EYE_WHITE_LEVEL)
    iris = min(0.5 * width, 1.1 * height)
    pen.oval(centre, iris, min(iris, height), traits["iris_level"])
    pen.oval(centre, 0.45 * iris, min(0.45 * iris, height), PUPIL_LEVEL)
    lift = traits["brow_height"] + 0.012 * pen.pose.brows
    thick, slope = traits["brow_thickness"], side * traits["brow_slope"]
    inner, outer = -1.2 * width, 1.3 * width
    points = [
        (centre[0] + x, centre[1] - lift + slope * x + y)
        for x, y in ((inner, 0.0), (outer, 0.0), (outer, thick), (inner, thick))
    ]
    pen.fill(points, 0.8 * traits["hair_level"])


def _draw_mouth(pen: _Pen) -> None:
    traits = pen.traits
    width = traits["mouth_width"] * (1 + 0.08 * pen.pose.smile)
    xs = np.linspace(-1, 1, 15)
    rise = 0.018 * pen.pose.smile * xs**2
    lip = traits["lip_thickness"] * (1 - 0.9 * xs**2)
    upper = [(width * x, traits["mouth_height"] - r - t) for x, r, t in zip(xs, rise, lip, strict=True)]
    lower = [(width * x, traits["mouth_height"] - r + t) for x, r, t in zip(xs, rise, lip, strict=True)]
    pen.fill([*upper, *reversed(lower)], traits["lip_level"])
    middle = [(x, y + t) for (x, y), t in zip(upper, lip, strict=True)]
    line = [(x, y + 0.004) for x, y in reversed(middle)]
    pen.fill([*middle, *line], 0.6 * traits["lip_level"])

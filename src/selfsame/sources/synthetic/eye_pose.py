"""Where the parts of a procedural eye lie in one capture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfsame.sources.synthetic.eye_model import EyeModel
from selfsame.sources.synthetic.iris import IrisMaster

Field = NDArray[np.floating]


@dataclass(frozen=True)
class EyePose:
    """Where the parts of an eye lie in one capture. Pixels; x to the right, y down.

    Attributes:
        pupil_x: centre of the pupil.
        pupil_y: centre of the pupil.
        pupil_radius_px: radius of the pupil.
        limbus_x: centre of the limbus.
        limbus_y: centre of the limbus.
        limbus_radius_px: radius of the limbus.
        eye_x: middle between the corners of the eye.
        eye_y: middle between the corners of the eye.
        tilt_rad: the head's tilt, clockwise as the image is seen; it turns texture, lids and lashes alike.
        opening: height of the upper lid over the eye's axis, in radii of the limbus.
        lower_opening: depth of the lower lid under the eye's axis, in radii of the limbus.
    """

    pupil_x: float
    pupil_y: float
    pupil_radius_px: float
    limbus_x: float
    limbus_y: float
    limbus_radius_px: float
    eye_x: float
    eye_y: float
    tilt_rad: float
    opening: float
    lower_opening: float


def pose_eye(rng: np.random.Generator, master: IrisMaster, model: EyeModel) -> EyePose:
    """Draw the pose of one capture."""
    radius = master.limbus_radius_px * np.exp(rng.normal(0, 0.02))
    eye_x = model.width_px / 2 + model.height_px * rng.normal(0, model.placement_share)
    eye_y = model.height_px * (0.52 + rng.normal(0, model.placement_share))
    eye_x, eye_y = np.clip((eye_x, eye_y), 0, (model.width_px, model.height_px))
    limbus_x = eye_x + radius * np.clip(rng.normal(0, model.gaze_share), -0.3, 0.3)
    limbus_y = eye_y + radius * np.clip(rng.normal(0, model.gaze_share), -0.15, 0.15)
    tilt = np.deg2rad(rng.normal(0, model.tilt_deg))
    away_x, away_y = (radius * np.array([share]) for share in master.eccentricity)
    away_x, away_y = turn(away_x, away_y, tilt)
    return EyePose(
        pupil_x=float(limbus_x + away_x[0]),
        pupil_y=float(limbus_y + away_y[0]),
        pupil_radius_px=float(radius * rng.uniform(model.dilation_low, model.dilation_high)),
        limbus_x=float(limbus_x),
        limbus_y=float(limbus_y),
        limbus_radius_px=float(radius),
        eye_x=float(eye_x),
        eye_y=float(eye_y),
        tilt_rad=float(tilt),
        opening=master.opening + rng.normal(0, 0.05),
        lower_opening=rng.uniform(0.85, 1.1),
    )


def rubber_sheet_coordinates(pose: EyePose, x: Field, y: Field) -> tuple[Field, Field]:
    """Find where pixels lie on the rubber sheet between pupil and limbus.

    At depth r the sheet is the circle of centre (1 - r) P + r L and radius (1 - r) p + r l (Daugman, "High
    confidence visual recognition of persons by a test of statistical independence", 1993), so that r is the
    root of a quadratic and the angle follows.

    Returns:
        Depth (0 at the pupil, 1 at the limbus, any value outside) and angle in radians from 3 o'clock of the
        upright eye, clockwise as the image is seen; both of the pixels' shape.
    """
    dx, dy = x - pose.pupil_x, y - pose.pupil_y
    shift_x, shift_y = pose.limbus_x - pose.pupil_x, pose.limbus_y - pose.pupil_y
    width = pose.limbus_radius_px - pose.pupil_radius_px
    square = shift_x**2 + shift_y**2 - width**2
    half = dx * shift_x + dy * shift_y + pose.pupil_radius_px * width
    rest = dx**2 + dy**2 - pose.pupil_radius_px**2
    depth = (half - np.sqrt(np.maximum(half**2 - square * rest, 0))) / square
    angle = np.arctan2(dy - depth * shift_y, dx - depth * shift_x) - pose.tilt_rad
    return depth, angle


def turn(x: Field, y: Field, angle_rad: float) -> tuple[Field, Field]:
    """Turn points about the origin, clockwise as the image is seen."""
    cosine, sine = np.float32(np.cos(angle_rad)), np.float32(np.sin(angle_rad))
    return cosine * x - sine * y, sine * x + cosine * y

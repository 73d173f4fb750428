"""One capture of a procedural iris: eyeball, lamp and camera."""

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.sources.synthetic.eye_model import EyeModel
from selfsame.sources.synthetic.eye_pose import EyePose, Field, rubber_sheet_coordinates
from selfsame.sources.synthetic.eyelids import Lids, close_lids, draw_lashes, draw_smooth_field, render_skin
from selfsame.sources.synthetic.iris import COLUMNS, ROWS, IrisMaster

PUPIL_LEVEL = 22.0
SCLERA_LEVEL = 172.0


def render_eye(
    rng: np.random.Generator, master: IrisMaster, pose: EyePose, model: EyeModel
) -> NDArray[np.uint8]:
    """Render one capture of an iris in near infrared.

    Args:
        rng: the capture's own generator, which decides lashes, lamp and noise.
        master: whose iris it is.
        pose: where everything lies.
        model: the camera.

    Returns:
        (height_px, width_px) uint8.
    """
    lids = close_lids(master, pose, model)
    image = _ball(rng, master, pose, model, lids)
    opened = np.clip(np.minimum(lids.upper, lids.lower) + 0.5, 0, 1)
    image = opened * image + (1 - opened) * render_skin(rng, master, pose, lids)
    image *= 1 - 0.85 * draw_lashes(rng, master, pose, model)
    return _expose(rng, image, model)


def _ball(rng: np.random.Generator, master: IrisMaster, pose: EyePose, model: EyeModel, lids: Lids) -> Field:
    """Render sclera, iris, pupil and the lamp's reflections under the shadow of the upper lid."""
    radius = pose.limbus_radius_px
    bow = np.clip(np.abs(lids.along) / (master.length * radius), 0, 1)
    image = SCLERA_LEVEL - 35 * bow * bow + 4 * draw_smooth_field(rng, lids.along.shape, 12)
    _paint_iris(image, master, pose, model)
    _paint_highlights(rng, image, pose, model)
    return image * (1 - 0.35 * np.exp(np.minimum(-lids.upper, 0) / (0.12 * radius)))


def _paint_iris(image: Field, master: IrisMaster, pose: EyePose, model: EyeModel) -> None:
    """Paint iris and pupil in place, with edges a pixel or two wide."""
    reach = pose.limbus_radius_px + 4
    top, bottom = _span(pose.limbus_y, reach, model.height_px)
    left, right = _span(pose.limbus_x, reach, model.width_px)
    x = np.arange(left, right, dtype=np.float32)[None, :]
    y = np.arange(top, bottom, dtype=np.float32)[:, None]
    depth, angle = rubber_sheet_coordinates(pose, x, y)
    columns = np.mod(angle, np.float32(2 * np.pi)) * np.float32(COLUMNS / (2 * np.pi))
    wrapped = np.concatenate([master.texture, master.texture[:, :1]], axis=1)
    rows = np.clip(depth, 0, 1) * np.float32(ROWS - 1)
    texture = cv2.remap(wrapped, columns.astype(np.float32), rows.astype(np.float32), cv2.INTER_LINEAR)
    iris = master.level + model.texture_levels * texture - 18 * np.clip(depth, 0, 1) ** 4
    width = pose.limbus_radius_px - pose.pupil_radius_px
    outside = np.clip((depth - 1) * width / 3 + 0.5, 0, 1)
    within = np.clip(-depth * width + 0.5, 0, 1)
    window = image[top:bottom, left:right]
    window *= outside
    window += (1 - outside) * (within * PUPIL_LEVEL + (1 - within) * iris)


def _span(centre: float, reach: float, size: int) -> tuple[int, int]:
    return max(0, int(centre - reach)), min(size, int(centre + reach) + 1)


def _paint_highlights(rng: np.random.Generator, image: Field, pose: EyePose, model: EyeModel) -> None:
    """Paint the lamp's reflection in the pupil and lesser ones around it, in place."""
    spots = 1 + int(rng.poisson(model.highlights))
    for spot in range(spots):
        spread = 0.35 if spot == 0 else 0.7
        radius = pose.limbus_radius_px * (rng.uniform(0.05, 0.08) if spot == 0 else rng.uniform(0.02, 0.03))
        x = pose.pupil_x + pose.pupil_radius_px * rng.uniform(-spread, spread)
        y = pose.pupil_y + pose.pupil_radius_px * rng.uniform(-spread, spread)
        centre = (round(16 * x), round(16 * y))
        axes = (max(8, round(16 * radius)), max(8, round(16 * radius * rng.uniform(0.7, 1.4))))
        cv2.ellipse(image, centre, axes, rng.uniform(0, 180), 0, 360, 290.0, -1, cv2.LINE_8, 4)


def _expose(rng: np.random.Generator, image: Field, model: EyeModel) -> NDArray[np.uint8]:
    """Record a scene: uneven lamp, exposure, blur, noise, 8 bits."""
    gain = np.exp(rng.normal(0, model.exposure_spread))
    slope_x, slope_y = rng.normal(0, 0.06, 2)
    height, width = image.shape
    lamp_x = (slope_x * np.linspace(-1, 1, width, dtype=np.float32))[None, :]
    lamp_y = (slope_y * np.linspace(-1, 1, height, dtype=np.float32))[:, None]
    scene = np.minimum(image, 290) * np.float32(gain) * (1 + lamp_x + lamp_y).astype(np.float32)
    blur = rng.uniform(model.blur_px / 3, model.blur_px)
    if blur > 0:
        scene = cv2.GaussianBlur(scene, (0, 0), blur)
    scene += np.float32(model.noise_levels) * rng.standard_normal(scene.shape, dtype=np.float32)
    return np.clip(np.rint(scene), 0, 255).astype(np.uint8)

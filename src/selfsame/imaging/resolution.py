"""The resolution that a file states, where its word can be taken."""

import math

from selfsame.imaging.decoding import read_header

LEAST_DPI, MOST_DPI = 50.0, 4000.0
"""Outside of these no sensor or scanner of prints, eyes or faces is known."""

DEFAULTS_DPI = (72.0, 96.0)
"""What writers put where they know nothing: the px per inch of the first Macintosh, and of Windows."""

_DEFAULT_WITHIN_DPI = 0.5  # 96 dpi becomes 3780 px per metre, which is 96.012 dpi
_SAME_WITHIN = 0.01  # share by which the two axes may differ


def read_resolution(data: bytes) -> float | None:
    """Read the px per inch that the metadata of an image file state (TIFF, PNG, JPEG and BMP can).

    Args:
        data: the whole file.

    Returns:
        To a tenth; or None where the file states none, or one that is not plausible, differs between the
        axes, or is a writer's default.

    Raises:
        CaptureError: the file is no image.
    """
    stated = read_header(data).info.get("dpi")
    if not isinstance(stated, tuple) or len(stated) != 2:
        return None
    across, down = (float(value) for value in stated)
    if not (LEAST_DPI <= across <= MOST_DPI and math.isclose(across, down, rel_tol=_SAME_WITHIN)):
        return None
    if any(abs(across - default) <= _DEFAULT_WITHIN_DPI for default in DEFAULTS_DPI):
        return None
    return round(across, 1)

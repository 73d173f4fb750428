"""The bounds of the numbers behind a drawn capture: where they leave what can still be drawn."""

from collections.abc import Mapping


def require_drawable(
    values: Mapping[str, float], highest: Mapping[str, float], *, smallest_side_px: int
) -> None:
    """Check the numbers of a model: none is negative or too high, and the image is large enough.

    Args:
        values: by name, with `height_px` and `width_px`.
        highest: bounds by name; what is not named here has none.
        smallest_side_px: of the image.

    Raises:
        ValueError: names the first that is out of its bounds.
    """
    for name, value in values.items():
        bound = highest.get(name, float("inf"))
        if not 0 <= value <= bound:
            raise ValueError(f"expected {name} between 0 and {bound}, got {value}")
    height, width = values["height_px"], values["width_px"]
    if min(height, width) < smallest_side_px:
        least = f"{smallest_side_px}x{smallest_side_px}"
        raise ValueError(f"expected an image of {least} px or more, got {width}x{height} px")

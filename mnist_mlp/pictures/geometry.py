"""Sizes, boxes and distances of pictures and masks."""

import cv2
import numpy as np


def check_grey(picture: np.ndarray) -> None:
    """Raises a ValueError unless the picture is grey, uint8 (height, width), and has pixels."""
    if not (isinstance(picture, np.ndarray) and picture.dtype == np.uint8 and picture.ndim == 2 and picture.size):
        form = f"{picture.dtype} {tuple(picture.shape)}" if hasattr(picture, "dtype") else type(picture).__name__
        raise ValueError(f"a picture must be grey, uint8 (height, width), as read_picture returns it, and is {form}")


def shrink_to(picture: np.ndarray, side: int) -> np.ndarray:
    """Reduces a picture, (height, width), to a longer side of `side` pixels; a smaller one is returned unchanged."""
    scale = side / max(picture.shape)
    if scale >= 1:
        return picture
    height, width = (max(1, round(extent * scale)) for extent in picture.shape)
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def enlarge_to(picture: np.ndarray, side: int) -> np.ndarray:
    """Enlarges a picture, (height, width), to a longer side of `side` pixels; a larger one is returned unchanged."""
    scale = side / max(picture.shape)
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC) if scale > 1 else picture


def bounds(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Returns left, top, right and bottom of the pixels that are set in a mask, right and bottom exclusive."""
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return left, top, left + width, top + height


def edges_reached(mask: np.ndarray) -> tuple[bool, bool, bool, bool]:
    """Tells whether pixels are set at the left, top, right and bottom edge of a mask, bool (height, width)."""
    return bool(mask[:, 0].any()), bool(mask[0].any()), bool(mask[:, -1].any()), bool(mask[-1].any())


def distance_to_edge(mask: np.ndarray) -> np.ndarray:
    """Returns the distance in pixels from each set pixel of a mask, uint8, to the mask's edge; 0 at unset pixels.

    The edge lies half a pixel outside the outermost set pixels. Borgefors 1986, doi:10.1016/S0734-189X(86)80047-0.
    """
    return np.maximum(cv2.distanceTransform(mask, cv2.DIST_L2, 5) - 0.5, 0)

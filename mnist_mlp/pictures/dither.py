"""Grey that a fax or a black-and-white scan has made of dots."""

import cv2
import numpy as np

MIN_SIDE = 64  # px, longer side: smaller pictures of two greys are digits after a threshold, with rough edges
DOTS = 0.01  # fraction of pixels that differ from both neighbours in their row, from which on a picture is of dots
SPREAD = 1.5  # px, standard deviation over which dots are averaged: more than their distance, less than a stroke


def undithered(picture: np.ndarray) -> np.ndarray:
    """Returns a picture of dots in two greys, uint8 (height, width), smoothed; any other unchanged."""
    sample = picture[::7, ::5]
    low, high = sample.min(), sample.max()
    if max(picture.shape) < MIN_SIDE or not ((sample == low) | (sample == high)).all():
        return picture
    changes = picture[:, 1:] != picture[:, :-1]
    dots = (changes[:, 1:] & changes[:, :-1]).mean() if picture.shape[1] > 2 else 0
    of_two = ((picture == low) | (picture == high)).all()
    return cv2.GaussianBlur(picture, (0, 0), SPREAD) if of_two and dots > DOTS else picture

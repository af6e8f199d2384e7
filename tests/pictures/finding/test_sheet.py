import cv2
import numpy as np
import pytest
from support.sketches import assert_seven, one_seven

from mnist_mlp.pictures.finding.sheet import table_in


def on_table(left: int, top: int, right: int, bottom: int, tone: int = 60) -> np.ndarray:
    """A sheet with a 7 and so much of a table at each side, px."""
    picture = cv2.copyMakeBorder(one_seven(), top, bottom, left, right, cv2.BORDER_CONSTANT, value=tone)
    noise = np.random.default_rng(0).normal(0, 3, picture.shape)
    return np.clip(cv2.GaussianBlur(picture, (0, 0), 1) * 0.9 + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("sides", [(0, 0, 60, 0), (80, 60, 80, 60), (0, 50, 0, 0), (60, 0, 0, 60)])
@pytest.mark.parametrize("tone", [20, 80])
def test_a_sheet_on_a_table(sides, tone):
    assert_seven(on_table(*sides, tone))


def test_a_picture_of_paper_alone_has_no_table():
    assert table_in(one_seven()) is None


def test_light_that_fades_is_no_table():
    light = np.linspace(1, 0.3, 300) * np.linspace(1, 0.8, 200)[:, None]
    assert table_in((one_seven() * light).astype(np.uint8)) is None

import numpy as np
import pytest
from PIL import Image
from support.sketches import assert_seven, one_seven

from mnist_mlp.pictures.finding.colour import contrasting_grey


def painted(ink: tuple[int, int, int], paper: tuple[int, int, int]) -> np.ndarray:
    strokes = 1 - one_seven()[..., None] / 255
    return np.round(strokes * ink + (1 - strokes) * paper).astype(np.uint8)


@pytest.mark.parametrize(
    ("ink", "paper"),
    [
        ((200, 40, 40), (40, 118, 40)),  # as light as each other
        ((220, 60, 60), (90, 110, 220)),
        ((120, 190, 200), (180, 165, 165)),
        ((250, 220, 60), (255, 255, 255)),
    ],
)
def test_ink_as_light_as_its_paper_is_seen(ink, paper):
    assert_seven(contrasting_grey(painted(ink, paper)))


@pytest.mark.parametrize(("ink", "paper"), [((0, 0, 0), (255, 255, 255)), ((20, 30, 90), (240, 238, 225))])
def test_usual_ink_has_the_usual_grey(ink, paper):
    picture = painted(ink, paper)
    grey = np.asarray(Image.fromarray(picture).convert("L"), int)
    assert np.abs(contrasting_grey(picture) - grey).max() <= 1

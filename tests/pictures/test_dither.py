import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_mlp.pictures.digits import digits_in
from mnist_mlp.pictures.dither import undithered
from mnist_mlp.pictures.files import read_picture


def drawn(scale: int) -> Image.Image:
    """A 4 and a 7 in pencil on grey paper."""
    picture = Image.new("L", (100, 60), 170)
    pen = ImageDraw.Draw(picture)
    pen.line([(25, 10), (15, 35), (40, 35)], 60, 4)
    pen.line([(33, 20), (33, 50)], 60, 4)
    pen.line([(60, 10), (85, 10), (68, 50)], 60, 4)
    return picture.resize((100 * scale, 60 * scale))


@pytest.mark.parametrize("mode", ["1", "P", "L"])
def test_a_picture_of_dots_shows_its_digits(tmp_path, mode):
    path = tmp_path / "fax.png"
    drawn(4).convert("1").convert(mode).save(path)
    boxes = [digit.box for digit in digits_in(read_picture(path))]
    assert len(boxes) == 2
    assert boxes[0] == pytest.approx((56, 36, 164, 204), abs=12)


def test_two_greys_without_dots_stay(tmp_path):
    clean = np.asarray(drawn(4).point(lambda value: 255 * (value > 100)))
    assert undithered(clean) is clean
    small = np.random.default_rng(0).integers(0, 2, (28, 28), np.uint8)
    assert undithered(small) is small
    grey = np.asarray(drawn(4).convert("1").convert("L")).copy()
    grey[100, 101] = 99
    assert undithered(grey) is grey

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from mnist_mlp.errors import InputError
from mnist_mlp.pictures import preprocessing
from mnist_mlp.pictures.preprocessing import digits_in, read_picture


def sheet(height: int = 200, width: int = 300) -> np.ndarray:
    return np.full((height, width), 255, np.uint8)


def seven(picture: np.ndarray, left: int, top: int, height: int, thickness: int = 6, ink: int = 0) -> None:
    """Draws a 7, some 0.6 times as wide as it is high."""
    right = left + round(0.6 * height)
    points = np.array([(left, top), (right, top), ((left + right) // 2, top + height)])
    cv2.polylines(picture, [points], False, ink, thickness, cv2.LINE_AA)


def ring(picture: np.ndarray, left: int, top: int, height: int, thickness: int = 6, ink: int = 0) -> None:
    """Draws a 0, some 0.6 times as wide as it is high."""
    middle, radii = (left + round(0.3 * height), top + height // 2), (round(0.3 * height), height // 2)
    cv2.ellipse(picture, middle, radii, 0, 0, 360, ink, thickness, cv2.LINE_AA)


def one_seven(**options: int) -> np.ndarray:
    picture = sheet()
    seven(picture, 100, 50, 90, **options)
    return picture


def alike(image: np.ndarray, other: np.ndarray) -> float:
    """The correlation of two images, one of them moved by up to a pixel."""
    moved = [np.roll(image, (down, right), (0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return max(float(np.corrcoef(image.ravel(), other.ravel())[0, 1]) for image in moved)


SEVEN = digits_in(one_seven())[0].image


def assert_seven(picture: np.ndarray, several: bool = True, least: float = 0.9) -> None:
    digits = digits_in(picture, several)
    assert len(digits) == 1
    assert alike(digits[0].image, SEVEN) > least


# Files


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF"])
@pytest.mark.parametrize("mode", ["L", "1", "P", "RGB"])
def test_formats_and_modes(tmp_path, format, mode):
    if mode not in {"JPEG": ("L", "RGB")}.get(format, (mode,)):
        pytest.skip("not a mode of the format")
    path = tmp_path / "picture"
    Image.fromarray(one_seven()).convert(mode).save(path, format)
    picture = read_picture(path)
    assert picture.dtype == np.uint8
    assert picture.shape == (200, 300)
    assert_seven(picture)


def saved(image: Image.Image, format: str = "PNG", **options: object) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, format, **options)
    file.seek(0)
    return file


def test_the_first_frame_of_several():
    frames = [Image.fromarray(one_seven()), Image.new("L", (300, 200))]
    assert_seven(read_picture(saved(frames[0], "GIF", save_all=True, append_images=frames[1:])))


def test_cmyk():
    image = Image.fromarray(one_seven()).convert("RGB").convert("CMYK")
    for format in ("JPEG", "TIFF"):
        assert_seven(read_picture(saved(image, format)))


@pytest.mark.parametrize("values", [np.uint16, np.int32, np.float32])
def test_many_bits_of_grey(values):
    grey = one_seven().astype(np.float64) / 255
    scaled = (grey if values is np.float32 else grey * 65535).astype(values)
    picture = read_picture(saved(Image.fromarray(scaled), "TIFF"))
    assert np.abs(picture.astype(int) - one_seven()).max() <= 1


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (120, 120, 120), (200, 30, 30)])
def test_alpha_that_carries_the_drawing(colour):
    picture = np.zeros((200, 300, 4), np.uint8)
    picture[..., :3], picture[..., 3] = colour, 255 - one_seven()
    assert_seven(read_picture(saved(Image.fromarray(picture))))


def test_alpha_around_a_picture_with_paper():
    picture = np.zeros((220, 320, 4), np.uint8)
    picture[10:-10, 10:-10, :3] = one_seven()[..., None] * np.array([1.0, 0.9, 0.8])
    picture[10:-10, 10:-10, 3] = 255
    assert_seven(read_picture(saved(Image.fromarray(picture))))


def test_a_transparent_palette():
    image = Image.fromarray(np.where(one_seven() > 127, 1, 0).astype(np.uint8), "P")
    image.putpalette([0, 0, 0, 0, 0, 0])
    assert_seven(read_picture(saved(image, transparency=1)))


def test_nothing_but_transparency():
    assert digits_in(read_picture(saved(Image.new("RGBA", (50, 50))))) == []


@pytest.mark.parametrize(("orientation", "turn"), [(3, 2), (6, 1), (8, 3)])
def test_turned_by_exif(orientation, turn):
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = Image.fromarray(np.ascontiguousarray(np.rot90(one_seven(), turn)))
    picture = read_picture(saved(turned, "JPEG", exif=exif))
    assert picture.shape == (200, 300)
    assert_seven(picture)


def bomb() -> bytes:
    """A PNG of few bytes that promises 40,000 x 40,000 pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_what_is_no_picture_is_one_line_that_names_it_once(tmp_path):
    whole = saved(Image.fromarray(one_seven()), "JPEG").getvalue()
    contents = {"text": b"not a picture", "nothing": b"", "cut": whole[: len(whole) // 2], "bomb": bomb()}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder").mkdir()
    for name in (*contents, "folder", "missing"):
        for source in (tmp_path / name, str(tmp_path / name)):
            with pytest.raises(InputError) as caught:
                read_picture(source)
            message = str(caught.value)
            assert message.startswith(f"{tmp_path / name}: not a readable image (")
            assert message.count(str(tmp_path)) == 1
            assert "\n" not in message
    with pytest.raises(InputError, match="^picture: not a readable image"):
        read_picture(io.BytesIO(b"not a picture"))


def test_too_many_pixels(monkeypatch):
    monkeypatch.setattr(preprocessing, "MOST_PIXELS", 59_999)
    with pytest.raises(InputError, match="300 x 200 pixels are too many"):
        read_picture(saved(Image.fromarray(one_seven())))


# Ink and paper


@pytest.mark.parametrize("value", [0, 100, 255])
@pytest.mark.parametrize("several", [True, False])
@pytest.mark.parametrize("shape", [(28, 28), (200, 300), (1, 1), (1, 5000), (3000, 2)])
def test_an_empty_page_has_no_digits(value, several, shape):
    assert digits_in(np.full(shape, value, np.uint8), several) == []


def test_textured_paper_in_a_shadow_is_empty():
    noise = np.random.default_rng(0).normal(0, 6, (300, 400))
    light = np.linspace(230, 120, 400) * np.interp(np.arange(300), [170, 190], [1, 0.7])[:, None]
    assert digits_in(np.clip(light + noise, 0, 255).astype(np.uint8)) == []


@pytest.mark.parametrize("lit", [0.15, 0.3, 0.85])
def test_a_lit_corner_is_not_chalk_nor_a_dark_one_ink(lit):
    """The edge of the shadow is some pixels wide, and the paper is grainy."""
    down, across = np.mgrid[:300, :300] / 300
    light = 1 - 0.4 / (1 + np.exp((across + 0.3 * down - 1.3 * (1 - lit)) / 0.02))
    picture = 220 * light + np.random.default_rng(0).normal(0, 4, light.shape)
    for several in (True, False):
        assert digits_in(np.clip(picture, 0, 255).astype(np.uint8), several) == []


def test_blurred_ink_is_ink():
    assert_seven(cv2.GaussianBlur(one_seven(), (0, 0), 2))


@pytest.mark.parametrize("thickness", [1, 6, 26])
@pytest.mark.parametrize("several", [True, False])
def test_light_on_dark_is_as_dark_on_light(thickness, several):
    least = 0.9 if thickness < 20 else 0.8  # the widest strokes stay wide
    assert_seven(one_seven(thickness=thickness), several, least)
    assert_seven(255 - one_seven(thickness=thickness), several, least)


def test_faint_ink():
    assert_seven(np.clip(one_seven().astype(int), 180, 255).astype(np.uint8))


def test_uneven_light():
    """Paper in the dark corner is darker than ink in the light one."""
    light = np.linspace(1, 0.25, 300) * np.linspace(1, 0.8, 200)[:, None]
    picture = (np.where(one_seven() > 127, 1, 0.5) * light * 255).astype(np.uint8)
    assert_seven(picture, several=False)
    assert_seven(picture)


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("tilt", [0.0, 0.04])
@pytest.mark.parametrize("several", [True, False])
def test_ruled_paper(squared, tilt, several):
    picture = one_seven(thickness=8)
    for place in range(-200, 500, 38):
        cv2.line(picture, (0, place), (299, round(place + 299 * tilt)), 40, 2, cv2.LINE_AA)
        if squared:
            cv2.line(picture, (place, 0), (round(place - 199 * tilt), 199), 40, 2, cv2.LINE_AA)
    assert_seven(picture, several)


def test_a_long_row_of_hairlines():
    """Where little but their bends is left of them by the blur that judges how sharp they are."""
    row = np.full((360, 2260), 255, np.uint8)
    for left in range(80, 2180, 210):
        cv2.ellipse(row, (left + 60, 130), (40, 50), 0, 0, 360, 0, 1, cv2.LINE_AA)
        cv2.ellipse(row, (left + 60, 230), (50, 50), 0, 0, 360, 0, 1, cv2.LINE_AA)
    assert len(digits_in(row)) == len(digits_in(255 - row)) == 10


def test_specks_are_not_digits():
    picture = one_seven()
    for x, y in np.random.default_rng(0).integers(5, 195, (20, 2)):
        cv2.circle(picture, (int(x), int(y)), 1, 0, -1)
    assert len(digits_in(picture)) == 1


# Digits


def test_reading_order_and_boxes_in_the_pictures_pixels():
    """Two lines, the lower of which begins further left; digits of a line are not quite level."""
    places = [(120, 30), (230, 44), (340, 26), (40, 180), (150, 170), (260, 188)]
    picture = sheet(300, 450)
    for number in (4, 1, 5, 0, 3, 2):
        (ring if number % 2 else seven)(picture, *places[number], 80)
    digits = digits_in(picture)
    assert len(digits) == 6
    for digit, (left, top) in zip(digits, places):
        assert np.abs(np.subtract(digit.box, (left, top, left + 48, top + 80))).max() <= 5
    assert [alike(digit.image, SEVEN) > 0.8 for digit in digits] == [True, False, True, False, True, False]


def test_boxes_of_a_large_picture():
    picture = cv2.resize(one_seven(), None, fx=20, fy=20, interpolation=cv2.INTER_NEAREST)
    box = digits_in(picture)[0].box
    assert np.abs(np.array(box) / 20 - digits_in(one_seven())[0].box).max() <= 1
    assert all(isinstance(value, int) for value in box)


def test_touching_digits_are_cut():
    picture = sheet()
    ring(picture, 60, 50, 90)
    ring(picture, 118, 50, 90)
    assert len(digits_in(picture)) == 2
    assert len(digits_in(picture, several=False)) == 1


@pytest.mark.parametrize("height", [40, 90])
def test_a_wide_digit_is_not_cut(height):
    picture = sheet()
    cv2.ellipse(picture, (150, 100), (round(0.75 * height), height // 2), 0, 0, 360, 0, 5, cv2.LINE_AA)
    assert len(digits_in(picture)) == 1


def test_a_broken_digit_is_joined():
    picture = sheet()
    cv2.line(picture, (110, 50), (150, 50), 0, 6)  # the bar of a 5
    cv2.polylines(picture, [np.array([(104, 62), (104, 95), (145, 95), (145, 140), (104, 140)])], False, 0, 6)
    assert len(digits_in(picture)) == 1
    cv2.line(picture, (220, 50), (220, 92), 0, 6)  # a 1 in two strokes
    cv2.line(picture, (221, 98), (221, 140), 0, 6)
    assert len(digits_in(picture)) == 2


def test_the_bar_of_a_seven_is_joined_across_a_gap():
    picture = sheet()
    seven(picture, 30, 50, 90)  # says how high digits are
    cv2.line(picture, (110, 50), (160, 50), 0, 6)
    cv2.line(picture, (152, 74), (120, 140), 0, 6)
    assert len(digits_in(picture)) == 2
    assert digits_in(picture)[1].box[1] < 55


# As MNIST


def test_what_is_framed_as_mnists_stays_as_it_is():
    assert (digits_in(SEVEN, several=False)[0].image == SEVEN).all()
    assert (digits_in(SEVEN)[0].image == SEVEN).all()
    assert not (digits_in(np.roll(SEVEN, 2, 1), several=False)[0].image == np.roll(SEVEN, 2, 1)).all()


@pytest.mark.parametrize("thickness", [1, 3, 8, 16, 24])
def test_strokes_become_as_wide_as_mnists(thickness):
    image = digits_in(one_seven(thickness=thickness))[0].image
    large = cv2.resize(image, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
    mask = (large > 127).astype(np.uint8)
    width = 4 * cv2.distanceTransform(mask, cv2.DIST_L2, 5)[mask > 0].mean() / 8
    low, high = preprocessing.STROKE_WIDTHS
    assert low - 0.25 < width < high + 0.5


def test_a_thin_part_of_a_thick_digit_stays():
    """A brush's 9, whose stem is a quarter as wide as its head's strokes."""
    picture = sheet()
    cv2.ellipse(picture, (150, 80), (30, 30), 0, 0, 360, 0, 36, cv2.LINE_AA)
    cv2.line(picture, (182, 80), (182, 190), 0, 8, cv2.LINE_AA)
    image = digits_in(picture)[0].image
    assert np.ptp(np.flatnonzero((image > 100).any(0))) < 0.8 * np.ptp(np.flatnonzero((image > 100).any(1)))


def test_size_centre_of_mass_and_grey_levels():
    for image in load_digits().images[:30]:
        digit = digits_in((image * 15.9).astype(np.uint8), several=False)[0].image
        rows, columns = np.flatnonzero(digit.any(1)), np.flatnonzero(digit.any(0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
        x, y = digit.sum(0) @ np.arange(28) / digit.sum(), digit.sum(1) @ np.arange(28) / digit.sum()
        assert abs(x - 14) < 0.6
        assert abs(y - 14) < 0.6
        assert digit.max() == 255
        assert ((digit > 0) & (digit < 255)).mean() > 0.03  # grey edges


@pytest.mark.parametrize("width", range(1, 60, 6))
def test_a_stroke_drawn_with_a_ruler(width):
    """Two or three pixels wide in MNIST's form, of which OpenCV's moments take two for the points of a contour."""
    paper = np.full((300, 200), 255, np.uint8)
    paper[50:250, 90 : 90 + width] = 0
    (digit,) = digits_in(paper)
    rows, columns = np.nonzero(digit.image > 100)
    assert rows.min() + 27 - rows.max() == 8
    assert abs(columns.mean() - 13.5) <= 1


def test_the_picture_is_left_as_it_is():
    picture = one_seven()
    digits_in(picture)
    digits_in(SEVEN)[0].image[:] = 0
    assert (picture == one_seven()).all()
    assert SEVEN.any()

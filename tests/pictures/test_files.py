import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from support.sketches import assert_seven, one_seven

from mnist_mlp.errors import InputError
from mnist_mlp.pictures import files
from mnist_mlp.pictures.digits import digits_in
from mnist_mlp.pictures.files import read_picture


def saved(image: Image.Image, format: str = "PNG", **options: object) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, format, **options)
    file.seek(0)
    return file


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


def test_the_first_of_several_frames_is_read():
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


def test_a_transparent_picture_has_no_digits():
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
    """Returns a PNG of few bytes that claims 40,000 x 40,000 pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_an_unreadable_file_is_an_error_of_one_line_that_names_it_once(tmp_path):
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
            reason = "no such file" if name == "missing" else "not a readable image ("
            assert message.startswith(f"{tmp_path / name}: {reason}")
            assert message.count(str(tmp_path)) == 1
            assert "\n" not in message
    with pytest.raises(InputError, match="^picture: not a readable image"):
        read_picture(io.BytesIO(b"not a picture"))


def test_too_many_pixels(monkeypatch):
    monkeypatch.setattr(files, "MAX_PIXELS", 59_999)
    monkeypatch.setattr(files, "WHOLE_PIXELS", 59_999)
    with pytest.raises(InputError, match="300 x 200 pixels are too many"):
        read_picture(saved(Image.fromarray(one_seven())))


@pytest.mark.parametrize("limit", [20_000, 40_000])  # Pillow refuses twice as many pixels, and warns of more
def test_a_jpeg_that_pillow_thinks_too_large_is_read_from_a_path_and_from_an_open_file(limit, monkeypatch, tmp_path):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    file = saved(Image.fromarray(one_seven()), "JPEG")
    (tmp_path / "a.jpg").write_bytes(file.getvalue())
    assert_seven(read_picture(tmp_path / "a.jpg"))
    assert_seven(read_picture(file))


@pytest.mark.parametrize("size", [(2000, 10), (1, 5000), (1, 1)])
def test_colours_of_any_shape_are_read(tmp_path, size):
    pixels = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "strip.png")
    assert read_picture(tmp_path / "strip.png").shape == size[::-1]


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(InputError, match=r"pipe.png: not a readable image \(a pipe, no file\)"):
        read_picture(tmp_path / "pipe.png")


def test_what_is_no_file_is_named():
    with pytest.raises(TypeError, match="reads a path or an open binary file, no ndarray"):
        read_picture(np.zeros((9, 9), np.uint8))  # pyright: ignore[reportArgumentType]

"""Picture files as grey images, and which files are pictures."""

import warnings
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from math import ceil, log2
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from mnist_mlp.errors import InputError, one_line
from mnist_mlp.pictures.dither import undithered
from mnist_mlp.pictures.finding.colour import contrasting_grey

with suppress(ImportError):
    import pillow_heif  # pyright: ignore[reportMissingImports]

    pillow_heif.register_heif_opener()  # pyright: ignore[reportUnknownMemberType]

MAX_PIXELS = 30_000_000  # px of a picture as it is decoded: more would take over 400 MB of memory
WHOLE_PIXELS = 100_000_000  # px of a picture that cannot be decoded smaller
TOO_MANY = "pixels are too many; save it smaller, or as JPEG"
# What is taken for a picture in a folder. Pillow also knows formats of films, tables and programs.
FORMATS = {"AVIF", "BMP", "DIB", "GIF", "HEIF", "ICO", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "PSD", "TGA", "TIFF"}
FORMATS |= {"WEBP"}
MANY_FRAMES = {"GIF", "PNG", "TIFF", "WEBP", "AVIF"}
HEIC = {".heic", ".heif", ".hif"}
# Pictures too, but often not for Pillow: new formats, cameras' own, and those of pages and drawings.
TO_EXPORT = {".ai", ".arw", ".avif", ".cr2", ".cr3", ".dng", ".eps", ".jxl", ".nef", ".orf", ".pdf", ".ps", ".raf"}
TO_EXPORT |= {".rw2", ".svg", ".webp", *HEIC}


def read_picture(source: str | Path | BinaryIO) -> np.ndarray:
    """Reads a picture file as grey, uint8 (height, width), upright, with its ink and paper as they are.

    Of its colours the grey is taken that shows the ink best. Dots that stand for grey are smoothed. A JPEG of more than
    MAX_PIXELS is decoded to a half, a quarter or an eighth of its sides. Transparent parts become paper that contrasts
    with the drawing. Of several frames the first is read.

    Args:
        source: A path or an open binary file.

    Raises:
        InputError: The file is missing, damaged, no picture, or is no JPEG and has more than WHOLE_PIXELS pixels.
    """
    if not isinstance(source, str | Path) and not hasattr(source, "read"):
        raise TypeError(f"read_picture reads a path or an open binary file, no {type(source).__name__}")
    name = source if isinstance(source, str | Path) else getattr(source, "name", "picture")
    try:
        if isinstance(source, str | Path) and Path(source).is_fifo():  # which would be waited for
            raise ValueError("a pipe, no file")
        with opened(source) as image:
            halve(image)
            return undithered(np.ascontiguousarray(grey(ImageOps.exif_transpose(image))))
    except UnidentifiedImageError as error:
        raise InputError(f"{name}: not a readable image ({unknown_format(source)})") from error
    except FileNotFoundError as error:
        raise InputError(f"{name}: no such file") from error
    except Exception as error:  # Pillow's readers raise errors of many types on damaged files
        reason = one_line(getattr(error, "strerror", None) or error or type(error).__name__)
        raise InputError(f"{name}: not a readable image ({reason})") from error


def has_more_frames(file: str | Path) -> bool:
    """Tells whether a picture file has further pages or moving frames. A photo's depth map or the like is none."""
    with suppress(Exception), opened(file) as image:
        return image.format in MANY_FRAMES and getattr(image, "n_frames", 1) > 1
    return False


def opened(source: str | Path | BinaryIO) -> Image.Image:
    """Opens a picture file of any number of pixels; Pillow refuses the largest, even of JPEGs, which it can halve."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(source)
    except Image.DecompressionBombError:
        if not isinstance(source, str | Path):
            source.seek(0)
        try:
            return JpegImageFile(source)  # pyright: ignore
        except SyntaxError as error:
            raise ValueError(f"its {TOO_MANY}") from error


def halve(image: Image.Image) -> None:
    """Makes a JPEG with too many pixels decode to a half, a quarter or an eighth of its sides.

    Raises:
        ValueError: There are too many pixels, and the picture is no JPEG.
    """
    pixels = image.width * image.height
    if pixels > MAX_PIXELS:
        scale = 2 ** ceil(log2(pixels / MAX_PIXELS) / 2)
        image.draft("RGB", (image.width // scale, image.height // scale))
        if image.width * image.height > WHOLE_PIXELS:
            raise ValueError(f"{image.width} x {image.height} {TOO_MANY}")


def grey(image: Image.Image) -> np.ndarray:
    """Converts an image of any mode to uint8 (height, width)."""
    if image.mode.startswith(("I", "F")):  # Pillow would clip them at 255
        values = np.asarray(image, np.float32)
        peak = values.max()
        scale = 1 / 257 if peak > 255 or image.mode.startswith("I;16") else 255 if peak <= 1 else 1
        return np.clip(np.round(values * scale), 0, 255).astype(np.uint8)
    if "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info:
        return on_contrasting_paper(np.asarray(image.convert("RGBA")))
    if image.mode not in ("L", "1", "RGB"):
        image = image.convert("RGB")
    return contrasting_grey(np.asarray(image)) if image.mode == "RGB" else np.asarray(image.convert("L"))


def on_contrasting_paper(picture: np.ndarray) -> np.ndarray:
    """Composites an RGBA picture, uint8 (height, width, 4), onto grey, uint8 (height, width).

    The background is the picture's own median if most of it is opaque and shows ink on paper, otherwise black or
    white, whichever contrasts with the ink.
    """
    tone = contrasting_grey(np.ascontiguousarray(picture[..., :3]))
    alpha = picture[..., 3]
    opaque = tone[alpha > 127]
    if not opaque.size:
        opaque = tone[alpha > 0]
    if not opaque.size:
        return np.full(tone.shape, 255, np.uint8)
    has_paper = opaque.size > tone.size / 2 and opaque.std() > 10
    paper = np.median(opaque) if has_paper else 255 if opaque.mean() < 128 else 0
    opacity = alpha.astype(np.float32) / 255
    return np.round(tone * opacity + paper * (1 - opacity)).astype(np.uint8)


def unknown_format(source: str | Path | BinaryIO) -> str:
    """Returns what a file is that Pillow does not know, as far as its first bytes or its name tell."""
    if isinstance(source, str | Path):
        with open(source, "rb") as file:
            head, ending = file.read(12), Path(source).suffix.lower()
    else:
        source.seek(0)
        head, ending = source.read(12), ""
    if not head:
        return "empty: 0 bytes"
    if head[4:8] == b"ftyp" and head[8:] in (b"heic", b"heix", b"hevc", b"mif1", b"msf1"):
        ending = ".heic"
    elif head.startswith(b"%PDF"):
        ending = ".pdf"
    return how_to_export([ending]) or "of no known format"


def how_to_export(endings: Iterable[str]) -> str:
    """Returns what to do about files with pictures that Pillow cannot read here; empty if there are none."""
    found = {ending for ending in endings if is_unreadable(ending)}
    heif = ", or pip install pillow-heif" if found & HEIC else ""
    return f"export {' and '.join(sorted(found))} as JPEG or PNG{heif}" if found else ""


def is_unreadable(ending: str) -> bool:
    """Tells whether files with this ending are pictures that Pillow cannot read here."""
    return ending in TO_EXPORT and ending not in picture_endings()


@cache
def picture_endings() -> set[str]:
    """Returns the endings, in lower case, of the files that are taken for pictures."""
    return {ending for ending, format in Image.registered_extensions().items() if format in FORMATS}

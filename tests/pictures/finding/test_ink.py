import cv2
import numpy as np
import pytest
from support.sketches import assert_seven, one_seven, ring, seven, sheet

from mnist_mlp.pictures.digits import digits_in
from mnist_mlp.pictures.finding.ink import inks_in


def test_ink_is_above_a_half_and_paper_below():
    picture = one_seven(ink=100)
    ink = next(inks_in(picture)).amount
    assert ink.dtype == np.float32
    assert 0 <= ink.min() <= ink.max() <= 1
    assert (ink[picture < 110] > 0.5).all()
    assert (ink[picture > 245] < 0.5).all()


def test_textured_paper_in_a_shadow_is_empty():
    noise = np.random.default_rng(0).normal(0, 6, (300, 400))
    light = np.linspace(230, 120, 400) * np.interp(np.arange(300), [170, 190], [1, 0.7])[:, None]
    assert digits_in(np.clip(light + noise, 0, 255).astype(np.uint8)) == []


@pytest.mark.parametrize("lit", [0.15, 0.3, 0.85])
def test_a_lit_corner_is_not_chalk_and_a_dark_one_not_ink(lit):
    """The edge of the shadow is a few pixels wide, and the paper is grainy."""
    down, across = np.mgrid[:300, :300] / 300
    light = 1 - 0.4 / (1 + np.exp((across + 0.3 * down - 1.3 * (1 - lit)) / 0.02))
    picture = 220 * light + np.random.default_rng(0).normal(0, 4, light.shape)
    for several in (True, False):
        assert digits_in(np.clip(picture, 0, 255).astype(np.uint8), several) == []


def test_blurred_ink_is_ink():
    assert_seven(cv2.GaussianBlur(one_seven(), (0, 0), 2))


@pytest.mark.parametrize("thickness", [1, 6, 26])
@pytest.mark.parametrize("several", [True, False])
def test_light_on_dark_is_read_like_dark_on_light(thickness, several):
    min_similarity = 0.9 if thickness < 20 else 0.8  # the widest strokes stay wide
    assert_seven(one_seven(thickness=thickness), several, min_similarity)
    assert_seven(255 - one_seven(thickness=thickness), several, min_similarity)


def test_faint_ink():
    assert_seven(np.clip(one_seven().astype(int), 180, 255).astype(np.uint8))


def test_uneven_light():
    """Paper in the dark corner is darker than ink in the light one."""
    light = np.linspace(1, 0.25, 300) * np.linspace(1, 0.8, 200)[:, None]
    picture = (np.where(one_seven() > 127, 1, 0.5) * light * 255).astype(np.uint8)
    assert_seven(picture, several=False)
    assert_seven(picture)


def test_a_long_row_of_hairlines():
    """The blur before the test of sharpness leaves little of them but their bends."""
    row = np.full((360, 2260), 255, np.uint8)
    for left in range(80, 2180, 210):
        cv2.ellipse(row, (left + 60, 130), (40, 50), 0, 0, 360, 0, 1, cv2.LINE_AA)
        cv2.ellipse(row, (left + 60, 230), (50, 50), 0, 0, 360, 0, 1, cv2.LINE_AA)
    assert len(digits_in(row)) == len(digits_in(255 - row)) == 10


@pytest.mark.parametrize("brightness", [0.4, 0.6])
@pytest.mark.parametrize("edge", [1, 4])
def test_what_is_written_in_a_sharp_shadow_is_ink_too(brightness, edge):
    """The shadow of a phone, which is as dark as many tables; the network tells it from one."""
    written = cv2.resize(np.hstack([one_seven(), one_seven()]), None, fx=0.9, fy=1.5)
    light = cv2.GaussianBlur(np.where(np.arange(540) < 260, brightness, 1) * np.ones((300, 1)), (0, 0), edge)
    ink = next(inks_in((written * light).astype(np.uint8))).amount > 0.5
    missed, added = (written < 100) & ~ink, (written > 200) & ink
    assert missed.sum() < 0.1 * (written < 100).sum()
    assert added.sum() < 0.1 * (written < 100).sum()


def test_a_table_around_the_sheet_is_no_ink():
    picture = np.random.default_rng(0).normal(60, 15, (500, 600)).clip(0, 255).astype(np.uint8)
    picture[100:420, 130:480] = cv2.resize(one_seven(), (350, 320))
    amounts = [ink.amount > 0.5 for ink in inks_in(picture)]
    outside = np.ones(picture.shape, bool)
    outside[90:430, 120:490] = False
    assert any(not (amount & outside).any() and amount.any() for amount in amounts[:4])


def test_paper_around_plain_ink_is_never_ink():
    """The paper between the strokes of a small digit on a large sheet has the form of a 0."""
    page = np.full((800, 800), 230, np.uint8)
    page[300:380, 500:620] = np.minimum(cv2.resize(one_seven(), (120, 80), interpolation=cv2.INTER_AREA), 230)
    amounts = [ink.amount > 0.5 for ink in inks_in(page)]
    assert amounts
    assert all((amount & (page > 220)).sum() < 0.1 * amount.sum() for amount in amounts)


def test_a_wide_stroke_is_never_hollow():
    """Sauvola's threshold alone sees the rim of a stroke wider than its window, and a network an 8 in a hollow 7."""
    picture = one_seven(thickness=50)
    ways = [ink.amount > 0.5 for ink in inks_in(picture)]
    assert len(ways) > 1
    assert all(way[picture < 50].mean() > 0.99 for way in ways)


@pytest.mark.parametrize("table", [40, 90, 140])
@pytest.mark.parametrize("degrees", [0, 12])
def test_a_light_note_on_a_table_is_not_the_ink(table, degrees):
    """The note differs most from what is around it, and fills the form of a digit."""
    turn = cv2.getRotationMatrix2D((300, 250), degrees, 1)
    note, written = np.zeros((2, 500, 600), np.uint8)
    note[150:350, 200:410] = 1
    seven(written, 270, 200, 90, ink=1)
    note, written = (cv2.warpAffine(mask, turn, (600, 500), flags=cv2.INTER_NEAREST) > 0 for mask in (note, written))
    picture = np.random.default_rng(0).normal(table, 8, note.shape).clip(0, 255)
    picture[note], picture[written] = 240, 20
    ink = next(inks_in(picture.astype(np.uint8)))
    found = ink.amount > 0.5
    assert ink.is_likely
    assert found[written].mean() > 0.9
    assert found[cv2.dilate(written.astype(np.uint8), np.ones((7, 7))) == 0].sum() == 0


@pytest.mark.parametrize("height", [60, 200])
def test_a_light_digit_is_no_sheet(height):
    for thickness in (height // 8, height // 4):
        for draw in (seven, ring):
            picture = np.full((300, 300), 30, np.uint8)
            draw(picture, 80, 40, height, thickness=thickness, ink=230)
            found = next(inks_in(picture)).amount > 0.5
            assert found[picture > 200].mean() > 0.9
            assert not found[picture < 40].any()


def test_a_foot_along_a_paler_line_is_ink():
    picture = sheet(240, 340)
    for row in (60, 120, 180):
        picture[row : row + 3] = 170
    picture[60:121, 150:155] = 20
    picture[117:123, 150:200] = 20
    inks = [ink.amount > 0.5 for ink in inks_in(picture)]
    assert any(ink[picture < 30].mean() > 0.95 and not ink[picture == 170].any() for ink in inks)

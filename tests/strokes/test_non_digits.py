import torch

from mnist_mlp.strokes.non_digits import FONTS, LETTERS, letter, non_digits


def test_the_seed_says_what_is_drawn():
    images = non_digits(200, 0)
    assert images.shape == (200, 784)
    assert images.dtype == torch.uint8
    assert torch.equal(images, non_digits(200, 0))
    assert len(torch.cat([images, non_digits(200, 1)]).unique(dim=0)) > 360  # printed letters repeat


def test_drawings_are_framed_as_digits_are():
    images = non_digits(500, 0).view(-1, 28, 28)
    drawn = images[images.amax((1, 2)) > 128] > 128
    assert len(drawn) > 450
    inside = drawn[:, 2:26, 2:26].sum((1, 2)) / drawn.sum((1, 2))
    assert (inside > 0.9).float().mean() > 0.95


def test_each_font_has_each_letter():
    assert len({letter(font, text).numpy().tobytes() for font in FONTS for text in LETTERS}) > 420


def test_a_few_are_drawn_too():
    assert [len(non_digits(count, 0)) for count in (1, 2, 9, 10)] == [1, 2, 9, 10]

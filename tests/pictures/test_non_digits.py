import torch

from mnist_mlp.pictures.mnist_form import is_framed
from mnist_mlp.pictures.non_digits import drawings


def test_the_seed_says_what_is_drawn():
    images = drawings(40, 0)
    assert images.shape == (40, 784)
    assert images.dtype == torch.uint8
    assert torch.equal(images, drawings(40, 0))
    assert len(torch.cat([images, drawings(40, 1)]).unique(dim=0)) == 80


def test_drawings_are_framed_as_digits_are():
    framed = [is_framed(image) for image in drawings(200, 0).view(-1, 28, 28).numpy()]
    assert sum(framed) > 150  # ink far from its centre of mass cannot be centred

import math

import pytest
import torch

from mnist_mlp.data.distortions import Distort, elastic_fields


def cross(count: int = 1) -> torch.Tensor:
    """An upright bar off the centre and a lying one through it."""
    image = torch.zeros(28, 28)
    image[4:24, 9:12] = 1
    image[13:15, 6:22] = 1
    return image.flatten().repeat(count, 1)


def distorted(seed: int = 0, count: int = 200, **settings: float) -> torch.Tensor:
    distort = Distort(**settings)
    return distort(cross(count), distort.draw(count, seed))


def centre(images: torch.Tensor) -> torch.Tensor:
    """The centres of mass, (n, 2): rows and columns."""
    square = images.view(-1, 28, 28)
    places = torch.arange(28.0)
    rows, columns = (square.sum(2) @ places, square.sum(1) @ places)
    return torch.stack([rows, columns], 1) / images.sum(1, keepdim=True)


def test_without_any_distortion_nothing_changes():
    assert torch.allclose(distorted(), cross(200), atol=1e-5)


def test_the_seed_says_what_comes_out():
    settings = {"rotation": 10, "elastic": 1.0}
    assert torch.equal(distorted(0, **settings), distorted(0, **settings))
    assert not torch.allclose(distorted(0, **settings), distorted(1, **settings))


def test_a_share_of_a_batch_is_distorted_as_in_the_whole():
    distort = Distort(rotation=10, shift=2, elastic=1.0)
    draws = distort.draw(9, 0)
    assert torch.allclose(distort(cross(9), draws)[1::2], distort(cross(4), draws[1::2]), atol=1e-6)


def test_shift_is_in_pixels():
    moved = (centre(distorted(shift=3)) - centre(cross())).abs()
    assert 2.7 < moved.max() <= 3.01


def test_rotation_is_in_degrees():
    distort = Distort(rotation=30)
    angles = torch.atan2(distort.draw(1000, 0)[:, 1, 0], distort.draw(1000, 0)[:, 0, 0]).rad2deg()
    assert 29 < angles.max() <= 30.01
    assert -30.01 <= angles.min() < -29


def test_scale_changes_width_and_height_apart():
    matrix = Distort(scale=0.2).draw(1000, 0)[:, :, :2]
    width, height = matrix[:, 0, 0], matrix[:, 1, 1]
    assert math.exp(0.195) < width.max() <= math.exp(0.2)
    assert math.exp(-0.2) <= height.min() < math.exp(-0.195)
    assert torch.corrcoef(torch.stack([width, height]))[0, 1].abs() < 0.1


def test_shear_slants_the_upright_only():
    matrix = Distort(shear=0.3).draw(1000, 0)[:, :, :2]
    assert 0.29 < matrix[:, 0, 1].max() <= 0.3
    assert (matrix[:, 1, 0] == 0).all()


@pytest.mark.parametrize("smoothness", [2.0, 5.0, 8.0])
def test_elastic_fields_move_every_pixel_alike_and_neighbours_together(smoothness):
    field = torch.randn(4000, len(elastic_fields(smoothness))) @ elastic_fields(smoothness)
    assert torch.allclose(field.std(0), torch.ones(784), atol=0.1)
    apart = field.view(-1, 28, 28)[:, 14]
    near, far = (torch.corrcoef(torch.stack([apart[:, 14], apart[:, 14 + d]]))[0, 1] for d in (1, 13))
    assert near > math.exp(-1 / (4 * smoothness**2)) - 0.1  # as of white noise convolved with a Gaussian
    assert far < near - 0.2


def test_elastic_is_the_root_mean_square_in_pixels():
    distort = Distort(elastic=2.0)
    moves = distort.draw(2000, 0)[:, :, 3:] @ distort.fields[3:] * 28 / 2
    assert moves.std() == pytest.approx(2.0, rel=0.03)


def test_works_in_half_precision():
    distort = Distort(rotation=10)
    assert distort(cross(2).bfloat16(), distort.draw(2, 0)).dtype == torch.bfloat16

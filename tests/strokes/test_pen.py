import pytest
import torch

from mnist_mlp.strokes.pen import framed, ink, steps


def drawn(points: list[tuple[float, float]], width: float, softness: float) -> torch.Tensor:
    """Draws a straight line through a picture: float (28, 28), from 0 to 1."""
    line = torch.tensor(points)
    line = torch.lerp(line[:1], line[1:], torch.linspace(0, 1, 64)[:, None])[None]
    weights = steps(line, torch.ones(1, 63))
    image = ink(line, weights, torch.tensor([width]), torch.tensor([softness]))
    return image.view(28, 28) / 255


@pytest.mark.parametrize("width", [1.5, 2.5, 4.0])
@pytest.mark.parametrize("softness", [0.5, 0.9])
def test_a_line_is_half_black_where_it_is_as_wide_as_asked(width, softness):
    right_of = drawn([(14.5 - width / 2, -5.0), (14.5 - width / 2, 33.0)], width, softness)[14]
    left_of = drawn([(14.5 + width / 2, -5.0), (14.5 + width / 2, 33.0)], width, softness)[14]
    assert right_of[14] == pytest.approx(0.5, abs=0.02)
    assert left_of[14] == pytest.approx(0.5, abs=0.02)


def test_a_line_is_even():
    image = drawn([(4.0, 6.0), (24.0, 6.0)], 2, 0.6)
    assert torch.allclose(image[5, 8:20], image[5, 10], atol=0.02)


def test_lines_are_framed_as_digits_are():
    points = torch.rand(50, 40, 2) * torch.tensor([3.0, 9.0]) + 100
    weights, width = torch.rand(50, 40), torch.full((50,), 2.0)
    moved = framed(points, weights, width)
    assert torch.allclose((moved.amax(1) - moved.amin(1)).amax(1), torch.tensor(18.0))
    centre = (moved * weights[..., None]).sum(1) / weights.sum(1, keepdim=True)
    assert torch.allclose(centre, torch.tensor(14.0), atol=1e-3)


def test_where_there_is_no_ink_is_no_part_of_a_drawing():
    points, weights = torch.tensor([[[0.0, 0], [1, 0], [50, 50]]]), torch.tensor([[1.0, 1, 0]])
    moved = framed(points, weights, torch.tensor([2.0]))
    assert moved[0, :2].tolist() == [[5, 14], [23, 14]]

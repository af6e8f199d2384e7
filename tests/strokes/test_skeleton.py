import torch

from mnist_mlp.strokes.forms import DIGITS, NON_DIGITS
from mnist_mlp.strokes.skeleton import POINTS, skeleton

FORMS = [*(form for forms in DIGITS.values() for form in forms), *NON_DIGITS]


def test_each_form_is_a_line_through_the_points_that_it_names():
    for form in FORMS:
        shape = skeleton(form)
        assert shape.sharp.shape == shape.round.shape == (POINTS, len(shape.given)), form
        for weights in (shape.sharp, shape.round):  # so that it moves with its points
            assert torch.allclose(weights.sum(1), torch.ones(POINTS), atol=1e-4), form
        line = shape.sharp @ shape.given
        assert torch.cdist(shape.given, line).amin(1).max() < 0.35, form  # of a grid of 9
        steps = line.diff(dim=0).norm(dim=1)[shape.joined]
        assert steps.max() < 4 * steps.mean(), form  # ink is even


def test_no_form_stands_twice():
    assert len(set(FORMS)) == len(FORMS)


def test_a_corner_is_sharp_and_a_lifted_pen_leaves_a_gap():
    corner, bow, gap = (skeleton(form) for form in ("00 90' 99", "00 90 99", "00 90/90 99"))
    assert (corner.sharp @ corner.given).max() < 9.001
    assert (bow.sharp @ bow.given).max() > 9.2
    assert corner.joined.all()
    assert (~gap.joined).sum() == 1
    assert torch.cdist(corner.given[1:2], corner.round @ corner.given).min() > 0.2

"""Random distortions of training images, as if other hands had written them."""

import math
from typing import Annotated

import torch
from torch import Tensor
from torch.nn import functional as F

from mnist_mlp.pictures.mnist_form import SIDE


class Distort:
    """Affine and elastic distortions of whole batches, computed on the batch's device.

    Simard et al. 2003, doi:10.1109/ICDAR.2003.1227801; Ciresan et al. 2010, arXiv:1003.0358.
    The affine amounts are drawn uniformly between minus and plus the maximum that is given.

    Args:
        rotation: Maximum rotation, degrees.
        scale: Maximum logarithm of the scale factor; width and height are scaled independently.
        shear: Maximum horizontal shear, columns a row.
        shift: Maximum shift along x and along y, pixels.
        elastic: Root mean square of the elastic displacement along x and along y, pixels.
        smoothness: Standard deviation of the Gaussians that the displacements are made of, pixels; above 0.
        only_own: Whether only own digits (``data.extra``) and outliers are distorted, not the data set's images.
    """

    def __init__(
        self,
        rotation: Annotated[float, "[0, 180]"] = 0.0,
        scale: Annotated[float, "[0, 1]"] = 0.0,
        shear: Annotated[float, "[0, 1]"] = 0.0,
        shift: Annotated[float, "[0, 28]"] = 0.0,
        elastic: Annotated[float, "[0, 28]"] = 0.0,
        smoothness: Annotated[float, "[1, 28]"] = 5.0,
        only_own: bool = False,
    ) -> None:
        self.rotation, self.scale, self.shear, self.shift = rotation, scale, shear, shift
        self.elastic, self.smoothness, self.only_own = elastic, smoothness, only_own
        self.fields = torch.cat([affine_fields(), elastic_fields(smoothness)])

    def draw(self, count: int, seed: int) -> Tensor:
        """Draws distortions for `count` images: float (count, 2, fields).

        The weighted sums of the fields say where the x and y of each output pixel lie in the input.
        """
        random = torch.Generator().manual_seed(seed)
        angle, width, height, slant, right, down = torch.rand(6, count, generator=random) * 2 - 1
        matrix = rotations(angle * math.radians(self.rotation)) @ shears(slant * self.shear)
        matrix = matrix @ scalings(width * self.scale, height * self.scale)
        shift = torch.stack([right, down], 1) * (self.shift * 2 / SIDE)
        waves = torch.randn(count, 2, len(self.fields) - 3, generator=random) * (self.elastic * 2 / SIDE)
        return torch.cat([matrix, shift[..., None], waves], 2)

    def __call__(self, images: Tensor, distortions: Tensor) -> Tensor:
        """Returns each image distorted, in the shape and dtype of `images`; what moves in from outside is black.

        Args:
            images: float (n, 784).
            distortions: What `draw` returned, float (n, 2, fields).
        """
        self.fields = self.fields.to(images.device)
        sources = (distortions.to(images.device) @ self.fields).view(-1, 2, SIDE, SIDE).permute(0, 2, 3, 1)
        square = images.view(-1, 1, SIDE, SIDE)
        return F.grid_sample(square, sources.to(images.dtype), align_corners=False).view_as(images)


def rotations(angle: Tensor) -> Tensor:
    """Returns matrices (n, 2, 2) that rotate by `angle`, radians (n,)."""
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([cos, -sin, sin, cos], 1).view(-1, 2, 2)


def shears(slant: Tensor) -> Tensor:
    """Returns matrices (n, 2, 2) that move each row by `slant`, (n,), times its height."""
    one, zero = torch.ones_like(slant), torch.zeros_like(slant)
    return torch.stack([one, slant, zero, one], 1).view(-1, 2, 2)


def scalings(width: Tensor, height: Tensor) -> Tensor:
    """Returns matrices (n, 2, 2) that scale by the exponentials of `width` and `height`, (n,)."""
    return torch.stack([width, height], 1).exp().diag_embed()


def affine_fields() -> Tensor:
    """Returns x, y and 1 at each pixel, float (3, 784), in `grid_sample`'s coordinates: -1 to 1 from edge to edge."""
    centres = (torch.arange(SIDE) * 2 + 1) / SIDE - 1
    return torch.stack([centres.repeat(SIDE), centres.repeat_interleave(SIDE), torch.ones(SIDE * SIDE)])


def elastic_fields(smoothness: float) -> Tensor:
    """Returns Gaussian bumps around the points of a lattice, float (points, 784).

    With independent normal weights their sum is a smooth random field with variance 1 at every pixel. This is Simard's
    noise convolved with a Gaussian, from a fraction of the random numbers. smoothness: a bump's standard deviation, px.
    """
    points = torch.linspace(0, SIDE, math.ceil(SIDE / smoothness) + 1)
    bumps = torch.exp(-(((torch.arange(SIDE) + 0.5) - points[:, None]) ** 2) / (2 * smoothness**2))
    bumps = bumps / bumps.norm(dim=0)
    return torch.kron(bumps, bumps)

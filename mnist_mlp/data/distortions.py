"""Random distortions of training images: what other hands would have written."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from mnist_mlp.data.datasets import SIDE


class Distort:
    """Affine and elastic distortions of whole batches (Simard et al. 2003, Ciresan et al. 2010), on their device.

    Uniformly drawn, either way: ``rotation`` up to so many degrees, ``scale`` of width and of height each up to a
    factor of exp(scale), ``shear`` up to so many columns a row, ``shift`` up to so many pixels. ``elastic`` moves each
    pixel by so many pixels (root mean square, along x and y each), those within ``smoothness`` pixels alike.
    """

    def __init__(
        self,
        rotation: float = 0.0,
        scale: float = 0.0,
        shear: float = 0.0,
        shift: float = 0.0,
        elastic: float = 0.0,
        smoothness: float = 5.0,
    ) -> None:
        self.rotation, self.scale, self.shear, self.shift = rotation, scale, shear, shift
        self.elastic, self.smoothness = elastic, smoothness
        self.fields = torch.cat([affine_fields(), elastic_fields(smoothness)])

    def draw(self, count: int, seed: int) -> Tensor:
        """``count`` distortions, as (count, 2, fields): where x and y of a pixel come from is a sum of fields."""
        random = torch.Generator().manual_seed(seed)
        angle, width, height, slant, right, down = torch.rand(6, count, generator=random) * 2 - 1
        matrix = rotation(angle * math.radians(self.rotation)) @ shear(slant * self.shear)
        matrix = matrix @ scale(width * self.scale, height * self.scale)
        shift = torch.stack([right, down], 1) * (self.shift * 2 / SIDE)
        waves = torch.randn(count, 2, len(self.fields) - 3, generator=random) * (self.elastic * 2 / SIDE)
        return torch.cat([matrix, shift[..., None], waves], 2)

    def __call__(self, images: Tensor, distortions: Tensor) -> Tensor:
        """The images, float (n, 784), each distorted as its row of what ``draw`` gave says; what moves in is black."""
        self.fields = self.fields.to(images.device)
        sources = (distortions.to(images.device) @ self.fields).view(-1, 2, SIDE, SIDE).permute(0, 2, 3, 1)
        square = images.view(-1, 1, SIDE, SIDE)
        return F.grid_sample(square, sources.to(images.dtype), align_corners=False).view_as(images)


def rotation(angle: Tensor) -> Tensor:
    """Matrices (n, 2, 2) that turn by ``angle``, radians (n,)."""
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([cos, -sin, sin, cos], 1).view(-1, 2, 2)


def shear(slant: Tensor) -> Tensor:
    """Matrices (n, 2, 2) that move a row by ``slant``, (n,), of its height."""
    one, zero = torch.ones_like(slant), torch.zeros_like(slant)
    return torch.stack([one, slant, zero, one], 1).view(-1, 2, 2)


def scale(width: Tensor, height: Tensor) -> Tensor:
    """Matrices (n, 2, 2) that stretch by the exponentials of ``width`` and ``height``, (n,)."""
    return torch.stack([width, height], 1).exp().diag_embed()


def affine_fields() -> Tensor:
    """x, y and 1 at each pixel, (3, 784), in ``grid_sample``'s coordinates, -1 to 1 from edge to edge."""
    centres = (torch.arange(SIDE) * 2 + 1) / SIDE - 1
    return torch.stack([centres.repeat(SIDE), centres.repeat_interleave(SIDE), torch.ones(SIDE * SIDE)])


def elastic_fields(smoothness: float) -> Tensor:
    """Gaussian bumps around the points of a lattice, (points, 784), as wide as ``smoothness``, in pixels.

    With independent normal weights their sum is a smooth random field of variance 1 at every pixel: Simard's noise
    convolved with a Gaussian, at a fraction of its random numbers.
    """
    points = torch.linspace(0, SIDE, math.ceil(SIDE / smoothness) + 1)
    bumps = torch.exp(-(((torch.arange(SIDE) + 0.5) - points[:, None]) ** 2) / (2 * smoothness**2))
    bumps = bumps / bumps.norm(dim=0)
    return torch.kron(bumps, bumps)

import os

import pytest
import torch
from support import hands
from torch import nn

from mnist_mlp.data.distortions import Distort
from mnist_mlp.pictures.mnist_form import centre_of_mass
from mnist_mlp.reader import Reader
from mnist_mlp.strokes.digits import digits


def test_the_seed_says_what_is_drawn():
    images, labels = digits(50, 0)
    assert (images.shape, images.dtype, labels.dtype) == ((50, 784), torch.uint8, torch.int64)
    again, other = digits(50, 0), digits(50, 1)
    assert torch.equal(images, again[0])
    assert torch.equal(labels, again[1])
    assert len(torch.cat([images, other[0]]).unique(dim=0)) == 100


def test_digits_have_mnists_form_and_each_label_is_as_frequent():
    images, labels = digits(2000, 0)
    assert labels.bincount(minlength=10).min() > 150
    centres = torch.tensor([centre_of_mass(image) for image in images.view(-1, 28, 28).numpy()])
    assert ((centres - 13.5).abs() < 1).float().mean() > 0.95
    assert (images.amax(1) > 200).float().mean() > 0.9
    assert 60 < images[images.amax(1) > 200].float().count_nonzero(1).float().mean() < 250


@pytest.fixture(scope="module")
def network() -> nn.Sequential:
    """A small network that has seen nothing but drawn digits, for two seconds."""
    images, labels = digits(4000, 0)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    distort = Distort(12, 0.2, 0.3, 1.7, 1.2)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.02, 16)
    for epoch in range(16):
        for part in torch.randperm(len(labels)).split(128):
            distorted = distort(images[part] / 255, distort.draw(len(part), epoch * 10_000 + int(part[0])))
            loss = nn.functional.cross_entropy(network(distorted), labels[part])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
    return network


@pytest.mark.parametrize("label", hands.HANDS)
def test_drawn_digits_teach_hands_that_mnist_lacks(network, label):
    """The hands are drawn by other code from other skeletons, and read from pictures."""
    images = torch.from_numpy(hands.images(label, 60)).flatten(1)
    with torch.inference_mode():
        assert (network(images / 255).argmax(1) == int(label)).float().mean() > 0.85


@pytest.mark.skipif("MNIST_MLP_RUN" not in os.environ, reason="set MNIST_MLP_RUN to a run of experiment=handwriting")
@pytest.mark.parametrize("label", hands.HANDS)
def test_the_handwriting_model_reads_98_percent_of_such_hands(label):
    run = Reader(os.environ["MNIST_MLP_RUN"])
    read = run.labels(run.probabilities(hands.images(label, 500)))
    assert sum(name == label for name in read) >= 0.98 * len(read)

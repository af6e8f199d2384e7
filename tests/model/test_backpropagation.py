"""The derivatives that are written out, against autograd's."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mnist_mlp.model.backpropagation import Chain, Descent, Gradients, knows, through_cross_entropy
from mnist_mlp.model.dropout import Dropout
from mnist_mlp.model.losses import BinaryCrossEntropy, MeanSquaredError
from mnist_mlp.model.mlp import ACTIVATIONS, MLP

LOSSES = {
    "cross-entropy": nn.CrossEntropyLoss(),
    "smoothed": nn.CrossEntropyLoss(label_smoothing=0.1),
    "weighted": nn.CrossEntropyLoss(weight=torch.linspace(1, 2, 5).double()),
    "sum": nn.CrossEntropyLoss(reduction="sum"),
    "mse": MeanSquaredError(),
    "bce": BinaryCrossEntropy(0.1),
}


def reseed(network: nn.Module) -> None:
    for layer in network.modules():
        if isinstance(layer, Dropout):
            layer.reseed(1)


def by_hand(network, images, labels, loss, update, penalty=0.0) -> torch.Tensor:
    chain = Chain(network)
    with chain:
        value = loss(network(images), labels)
        chain.backward(value + penalty * next(network.parameters()).abs().sum(), update)
    return value.detach()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    hidden_sizes=st.lists(st.integers(1, 7), max_size=3),
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    dropout=st.sampled_from([0.0, 0.4]),
    batch_norm=st.booleans(),
    loss=st.sampled_from(sorted(LOSSES)),
    images=st.sampled_from([1, 2, 9]),
    penalty=st.sampled_from([0.0, 0.1]),
)
def test_every_derivative_is_that_of_autograd(hidden_sizes, activation, dropout, batch_norm, loss, images, penalty):
    torch.manual_seed(len(hidden_sizes) + images)
    network = MLP(hidden_sizes, activation, dropout, in_features=6, num_classes=5, batch_norm=batch_norm).double()
    twin = copy.deepcopy(network)
    x, labels = torch.randn(images, 6).double(), torch.randint(0, 5, (images,))
    for each in (network, twin):
        reseed(each)
    expected = LOSSES[loss](twin(x), labels)
    (expected + penalty * next(twin.parameters()).abs().sum()).backward()
    value = by_hand(network, x, labels, LOSSES[loss], Gradients(), penalty)
    torch.testing.assert_close(value, expected.detach())
    for parameter, other in zip(network.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, other.grad)
    for buffer, other in zip(network.buffers(), twin.buffers(), strict=True):
        torch.testing.assert_close(buffer, other)


def test_descent_is_a_step_of_sgd():
    torch.manual_seed(0)
    network = MLP([7, 5], in_features=6, batch_norm=True)
    twin = copy.deepcopy(network)
    x, labels = torch.randn(9, 6), torch.randint(0, 10, (9,))
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.3)
    for _ in range(3):
        optimizer.zero_grad()
        nn.functional.cross_entropy(twin(x), labels).backward()
        optimizer.step()
        by_hand(network, x, labels, nn.CrossEntropyLoss(), Descent(0.3))
    for parameter, other in zip(network.parameters(), twin.parameters(), strict=True):
        assert parameter.grad is None
        torch.testing.assert_close(parameter, other)


def test_cross_entropy_needs_no_engine_and_gives_the_same():
    logits, labels = torch.randn(9, 10, requires_grad=True), torch.arange(9)
    loss = nn.functional.cross_entropy(logits, labels)
    (derivative,) = through_cross_entropy(loss, [logits])
    assert torch.equal(derivative, torch.autograd.grad(loss, logits)[0])


@pytest.mark.parametrize(
    "objective",
    [
        lambda logits, loss: loss(2 * logits),
        lambda logits, loss: loss(logits) + logits.sum(),
        lambda logits, loss: 2 * loss(logits),
        lambda logits, loss: loss(logits.detach().requires_grad_()),
        lambda logits, loss: logits.exp().sum(),
        lambda logits, loss: nn.functional.nll_loss(logits.sigmoid(), torch.arange(9)),
        lambda logits, loss: loss(logits.detach()),
    ],
)
def test_every_other_objective_is_left_to_the_engine(objective):
    logits = torch.randn(9, 10, requires_grad=True)
    value = objective(logits, lambda logits: nn.functional.cross_entropy(logits, torch.arange(9)))
    assert through_cross_entropy(value, [logits]) == []


def test_several_calls_of_the_network_add_up():
    torch.manual_seed(0)
    network = MLP([7], in_features=6)
    twin = copy.deepcopy(network)
    images = torch.randn(2, 9, 6)
    (twin(images[0]).square().mean() + twin(images[1]).square().mean()).backward()
    chain = Chain(network)
    with chain:
        chain.backward(network(images[0]).square().mean() + network(images[1]).square().mean(), Gradients())
    for parameter, other in zip(network.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, other.grad)


def test_the_network_is_itself_again_afterwards():
    network = MLP([7], in_features=6)
    with pytest.raises(ZeroDivisionError), Chain(network):
        raise ZeroDivisionError
    network(torch.randn(2, 6)).sum().backward()
    assert network[0].weight.grad is not None


class Own(nn.Sequential):
    def forward(self, input):
        return 2 * super().forward(input)


def changed(change) -> nn.Module:
    network = MLP([4, 4])
    change(network)
    return network


shared = nn.Linear(4, 4)


@pytest.mark.parametrize(
    "network",
    [
        nn.Linear(4, 4),
        Own(nn.Linear(4, 4)),
        nn.Sequential(nn.Linear(4, 4), nn.SiLU()),
        nn.Sequential(nn.Linear(4, 4, bias=False)),
        nn.Sequential(shared, shared),
        nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)),
        MLP([4]).half(),
        MLP([4]).to("meta"),
        changed(lambda network: network[0].requires_grad_(False)),
        changed(lambda network: network[1].register_forward_hook(lambda *_: None)),
        changed(lambda network: network.register_full_backward_hook(lambda *_: None)),
        changed(lambda network: network[0].weight.register_hook(lambda g: g)),
    ],
)
def test_other_networks_are_left_to_autograd(network):
    assert not knows(network)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_every_network_of_the_config_is_known(activation):
    assert knows(MLP([4, 4], activation, dropout=0.1, batch_norm=True)) and knows(MLP([]))

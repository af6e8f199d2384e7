"""Backpropagation (Rumelhart, Hinton and Williams 1986) written out for the layers of a multilayer perceptron.

autograd finds the same derivatives, but builds a graph at each step: for a small network that takes about as long as
the arithmetic. Notation: a layer maps ``x``, float (n, inputs), to ``y``, float (n, units); ``dx`` and ``dy`` are the
derivatives of the loss with respect to them. Each rule returns ``y`` and the function from ``dy`` to ``dx``, which
also hands the derivatives with respect to the layer's parameters to ``update``.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mnist_mlp.model.dropout import Dropout
from mnist_mlp.model.mlp import BatchNorm1d

Backward = Callable[[Tensor], Tensor]
aten = torch.ops.aten


class Gradients:
    """Keeps each parameter's derivative in ``parameter.grad``, for an optimizer."""

    def __call__(self, parameter: Tensor, derivative: Tensor) -> None:
        """Takes the derivative of the loss with respect to a parameter."""
        parameter.grad = derivative

    def product(self, parameter: Tensor, left: Tensor, right: Tensor) -> None:
        """Takes the derivative ``left @ right``."""
        parameter.grad = left @ right


class Descent(Gradients):
    """Takes the step of plain stochastic gradient descent: ``parameter -= lr * derivative``, without a copy of it."""

    def __init__(self, lr: float) -> None:
        self.lr = lr

    def __call__(self, parameter: Tensor, derivative: Tensor) -> None:
        parameter.sub_(derivative, alpha=self.lr)

    def product(self, parameter: Tensor, left: Tensor, right: Tensor) -> None:
        parameter.addmm_(left, right, alpha=-self.lr)


def linear(layer: nn.Linear, x: Tensor, update: Gradients, first: bool) -> tuple[Tensor, Backward]:
    """A linear layer: y = x Wᵀ + b, so dx = dy W, dW = dyᵀ x, and db is the sum of dy over the images."""

    def backward(dy: Tensor) -> Tensor:
        dx = dy if first else dy @ layer.weight  # before the weights change; nobody needs that of the pixels
        update.product(layer.weight, dy.t(), x)
        update(layer.bias, dy.sum(0))
        return dx

    return torch.addmm(layer.bias, x, layer.weight.t()), backward


def batch_norm(layer: BatchNorm1d, x: Tensor, update: Gradients, first: bool) -> tuple[Tensor, Backward]:
    """Batch normalisation: y = w z + b with z = (x - mean) / s, the deviation.

    So dx = w / s (dy - mean(dy) - z mean(z dy)), dw = sum(z dy), db = sum(dy), all over the images.
    """
    training = len(x) > 1
    if training:
        layer.num_batches_tracked.add_(1)
    statistics = layer.running_mean, layer.running_var
    y, mean, inverse = aten.native_batch_norm(
        x, layer.weight, layer.bias, *statistics, training, layer.momentum, layer.eps
    )

    def backward(dy: Tensor) -> Tensor:
        dx, dw, db = aten.native_batch_norm_backward(
            dy, x, layer.weight, *statistics, mean, inverse, training, layer.eps, [True, True, True]
        )
        update(layer.weight, dw)
        update(layer.bias, db)
        return dx

    return y, backward


def dropout(layer: Dropout, x: Tensor, update: Gradients, first: bool) -> tuple[Tensor, Backward]:
    """Dropout: y = m x with a random mask m, so dx = m dy."""
    mask = layer.mask(x.shape)
    return x * mask, lambda dy: dy * mask


def relu(layer: nn.ReLU, x: Tensor, update: Gradients, first: bool) -> tuple[Tensor, Backward]:
    """Rectified linear units: y = max(x, 0), so dx is dy where y > 0, and 0 elsewhere."""
    y = x.relu()
    return y, lambda dy: aten.threshold_backward(dy, y, 0)


def sigmoid(layer: nn.Sigmoid, x: Tensor, update: Gradients, first: bool) -> tuple[Tensor, Backward]:
    """The logistic function: y = 1 / (1 + exp(-x)), so dx = y (1 - y) dy."""
    y = x.sigmoid()
    return y, lambda dy: aten.sigmoid_backward(dy, y)


def tanh(layer: nn.Tanh, x: Tensor, update: Gradients, first: bool) -> tuple[Tensor, Backward]:
    """Hyperbolic tangent: dx = (1 - y²) dy."""
    y = x.tanh()
    return y, lambda dy: aten.tanh_backward(dy, y)


def gelu(layer: nn.GELU, x: Tensor, update: Gradients, first: bool) -> tuple[Tensor, Backward]:
    """GELU (arXiv:1606.08415): y = x P(x) with the normal distribution P, its density p; dx = (P(x) + x p(x)) dy."""
    y = nn.functional.gelu(x, approximate=layer.approximate)
    return y, lambda dy: aten.gelu_backward(dy, x, approximate=layer.approximate)


RULES: dict[type, Any] = {
    nn.Linear: linear,
    BatchNorm1d: batch_norm,
    Dropout: dropout,
    nn.ReLU: relu,
    nn.Sigmoid: sigmoid,
    nn.Tanh: tanh,
    nn.GELU: gelu,
}


HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def knows(network: nn.Module) -> bool:
    """Returns whether the network is a chain of different layers that have a rule, on the CPU, none frozen or hooked.

    Layers without one of their usual parameters, such as a bias, have no rule.
    """
    return (
        isinstance(network, nn.Sequential)
        and type(network).forward is nn.Sequential.forward
        and len(set(network)) == len(network)
        and all(type(layer) in RULES and None not in layer._parameters.values() for layer in network)
        and all(buffer.device.type == "cpu" for buffer in network.buffers())
        and all(p.requires_grad and p.dtype == torch.float32 and p.device.type == "cpu" for p in network.parameters())
        and not any(getattr(module, hooks) for module in network.modules() for hooks in HOOKS)
        and not any(parameter._backward_hooks for parameter in network.parameters())
    )


def forward(layers: Sequence[nn.Module], x: Tensor, update: Gradients) -> tuple[Tensor, list[Backward]]:
    """Returns the logits of images, float (n, pixels), and what ``backward`` needs."""
    steps = []
    for index, layer in enumerate(layers):
        x, step = RULES[type(layer)](layer, x, update, first=index == 0)
        steps.append(step)
    return x, steps


def backward(steps: list[Backward], dy: Tensor) -> None:
    """Hands the derivative with respect to each parameter to the ``update`` of ``forward``.

    Args:
        steps: What ``forward`` returned.
        dy: Derivative of the loss with respect to the logits, float (n, classes).
    """
    for step in reversed(steps):
        dy = step(dy)


def loss_and_derivative(loss: Callable, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the mean loss and its derivative with respect to the logits, float (n, classes)."""
    if isinstance(loss, nn.CrossEntropyLoss) and loss.weight is None and loss.reduction == "mean":
        return cross_entropy(logits, labels, loss.label_smoothing)
    logits = logits.detach().requires_grad_()
    with torch.enable_grad():
        mean = loss(logits, labels)
        return mean.detach(), torch.autograd.grad(mean, logits)[0]


def cross_entropy(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> tuple[Tensor, Tensor]:
    """Returns the cross-entropy of softmax(logits), and its derivative (softmax(logits) - targets) / n.

    The targets are 1 - smoothing for the label, and smoothing / classes for each class besides.
    """
    log_p, labels = logits.log_softmax(1), labels.unsqueeze(1)
    loss = -log_p.gather(1, labels).mean()
    if smoothing:
        loss = (1 - smoothing) * loss - smoothing * log_p.mean()
    targets = torch.full_like(log_p, smoothing / log_p.shape[1]).scatter_add_(
        1, labels, torch.full_like(log_p[:, :1], 1 - smoothing)
    )
    return loss, log_p.exp_().sub_(targets).div_(len(logits))

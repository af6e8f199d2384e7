"""Backpropagation (Rumelhart, Hinton and Williams 1986) written out for the layers of a multilayer perceptron.

autograd finds the same derivatives, but builds a graph at each step: for a small network that takes about as long as
the arithmetic. Notation: a layer maps ``x``, float (n, inputs), to ``y``, float (n, units); ``dx`` and ``dy`` are the
derivatives of the loss with respect to them. Each rule returns ``y`` and the function from ``dy`` to ``dx``, which
also hands the derivatives with respect to the layer's parameters to ``update``.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mnist_mlp.model.dropout import Dropout
from mnist_mlp.model.mlp import BatchNorm1d
from mnist_mlp.model.threads import one_thread


class Gradients:
    """Adds each derivative to ``parameter.grad``, for an optimizer."""

    def __call__(self, parameter: Tensor, derivative: Tensor) -> None:
        """Takes the derivative of the loss with respect to a parameter."""
        parameter.grad = derivative if parameter.grad is None else parameter.grad + derivative

    def product(self, parameter: Tensor, left: Tensor, right: Tensor) -> None:
        """Takes the derivative ``left @ right``."""
        self(parameter, left @ right)


class Descent(Gradients):
    """Takes the step of plain stochastic gradient descent: ``parameter -= lr * derivative``, without a copy of it."""

    def __init__(self, lr: float) -> None:
        self.lr = lr

    def __call__(self, parameter: Tensor, derivative: Tensor) -> None:
        parameter.sub_(derivative, alpha=self.lr)

    def product(self, parameter: Tensor, left: Tensor, right: Tensor) -> None:
        parameter.addmm_(left, right, alpha=-self.lr)


Backward = Callable[[Tensor, Gradients], Tensor]
aten = torch.ops.aten


def linear(layer: nn.Linear, x: Tensor, first: bool) -> tuple[Tensor, Backward]:
    """A linear layer: y = x Wᵀ + b, so dx = dy W, dW = dyᵀ x, and db is the sum of dy over the images."""

    def backward(dy: Tensor, update: Gradients) -> Tensor:
        dx = dy if first else dy @ layer.weight  # before the weights change; the pixels' is not needed
        update.product(layer.weight, dy.t(), x)
        update(layer.bias, dy.sum(0))
        return dx

    return nn.functional.linear(x, layer.weight, layer.bias), backward


def batch_norm(layer: Any, x: Tensor, first: bool) -> tuple[Tensor, Backward]:
    """Batch normalisation: y = w z + b with z = (x - mean) / s, the deviation; one image takes the running statistics.

    So dx = w / s (dy - mean(dy) - z mean(z dy)), dw = sum(z dy), db = sum(dy), all over the images. torch's own
    kernels give other last digits on another number of threads.
    """
    n = len(x)
    if n == 1:
        centred, variance = x - layer.running_mean, layer.running_var
    else:
        mean = x.mean(0)
        centred = x - mean
        variance = (centred * centred).mean(0)
        layer.running_mean.lerp_(mean, layer.momentum)
        layer.running_var.lerp_(variance * (n / (n - 1)), layer.momentum)
        layer.num_batches_tracked.add_(1)
    inverse = (variance + layer.eps).rsqrt()
    scale = layer.weight * inverse

    def backward(dy: Tensor, update: Gradients) -> Tensor:
        dw, db = (centred * dy).sum(0) * inverse, dy.sum(0)
        dx = scale * dy
        if n > 1:
            dx.sub_(scale * db / n).addcmul_(centred, scale * inverse * dw, value=-1 / n)
        update(layer.weight, dw)
        update(layer.bias, db)
        return dx

    return torch.addcmul(layer.bias, centred, scale), backward


def dropout(layer: Dropout, x: Tensor, first: bool) -> tuple[Tensor, Backward]:
    """Dropout: y = m x with a random mask m, so dx = m dy."""
    mask = layer.mask(x.shape)
    return x * mask, lambda dy, update: dy * mask


def relu(layer: nn.ReLU, x: Tensor, first: bool) -> tuple[Tensor, Backward]:
    """Rectified linear units: y = max(x, 0), so dx is dy where y > 0, and 0 elsewhere."""
    y = x.relu()
    return y, lambda dy, update: aten.threshold_backward(dy, y, 0)


def sigmoid(layer: nn.Sigmoid, x: Tensor, first: bool) -> tuple[Tensor, Backward]:
    """The logistic function: y = 1 / (1 + exp(-x)), so dx = y (1 - y) dy."""
    with one_thread():
        y = x.sigmoid()
    return y, lambda dy, update: aten.sigmoid_backward(dy, y)


def tanh(layer: nn.Tanh, x: Tensor, first: bool) -> tuple[Tensor, Backward]:
    """Hyperbolic tangent: dx = (1 - y²) dy."""
    y = x.tanh()
    return y, lambda dy, update: aten.tanh_backward(dy, y)


def gelu(layer: nn.GELU, x: Tensor, first: bool) -> tuple[Tensor, Backward]:
    """GELU (arXiv:1606.08415): y = x P(x) with the normal distribution P, its density p; dx = (P(x) + x p(x)) dy."""
    y = nn.functional.gelu(x, approximate=layer.approximate)
    return y, lambda dy, update: aten.gelu_backward(dy, x, approximate=layer.approximate)


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

    Linear layers without a bias and batch normalisation without parameters or moving averages have no rule.
    """
    layers = list(network.children())
    return (
        isinstance(network, nn.Sequential)
        and type(network).forward is nn.Sequential.forward  # pyright: ignore[reportUnknownMemberType]
        and len(layers) == len(network)  # a layer that stands twice is one child
        and all(type(layer) in RULES for layer in layers)
        and all(len(list(layer.parameters())) == 2 for layer in layers if isinstance(layer, (nn.Linear, BatchNorm1d)))
        and all(layer.track_running_stats and layer.momentum for layer in layers if isinstance(layer, BatchNorm1d))
        and all(buffer.device.type == "cpu" for buffer in network.buffers())
        and all(p.requires_grad and p.dtype == torch.float32 and p.device.type == "cpu" for p in network.parameters())
        and not any(getattr(module, hooks) for module in network.modules() for hooks in HOOKS)
        and not any(parameter._backward_hooks for parameter in network.parameters())
    )


def through_cross_entropy(objective: Tensor, outputs: list[Tensor]) -> list[Tensor]:
    """Returns the derivative of a cross-entropy with respect to the logits; nothing if the objective is anything else.

    Its graph is two nodes, which autograd's engine takes twice as long to run as they take by themselves.
    """
    node: Any = objective.grad_fn
    derivative = torch.ones_like(objective)
    for name in ("NllLossBackward0", "LogSoftmaxBackward0"):
        if node is None or node.name() != name:
            return []
        derivative, node = node(derivative), node.next_functions[0][0]
    return [derivative] if len(outputs) == 1 and getattr(node, "variable", None) is outputs[0] else []


class Chain:
    """Training steps of a network that ``knows`` accepts.

    Inside ``with chain``, calls of the network return logits at which autograd's graph begins, and are kept for
    ``backward``. So what is computed from the logits, and from the parameters besides, is left to autograd.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network, self.layers, self.parameters = network, list(network.children()), list(network.parameters())
        self.calls: list[tuple[Tensor, list[Backward]]] = []

    def __enter__(self) -> None:
        self.network.forward = self.forward  # pyright: ignore[reportAttributeAccessIssue]

    def __exit__(self, *_: object) -> None:
        del self.network.forward  # uncovers the method of its class
        self.calls.clear()

    def forward(self, x: Tensor) -> Tensor:
        """Returns the logits, float (n, classes), of images, float (n, pixels)."""
        backwards: list[Backward] = []
        with torch.no_grad():
            for index, layer in enumerate(self.layers):
                x, backward = RULES[type(layer)](layer, x, first=index == 0)
                backwards.append(backward)
        self.calls.append((x.requires_grad_(), backwards))
        return x

    def backward(self, objective: Tensor, update: Gradients) -> None:
        """Hands the derivatives of the objective, a scalar, with respect to the parameters to ``update``."""
        outputs = [logits for logits, _ in self.calls]
        with torch.no_grad():
            derivatives: list[Tensor | None] = [*through_cross_entropy(objective, outputs)]
            derivatives = derivatives or [*torch.autograd.grad(objective, outputs + self.parameters, allow_unused=True)]
            for (_, backwards), dy in zip(self.calls, derivatives):
                for backward in reversed(backwards):
                    dy = dy if dy is None else backward(dy, update)
            for parameter, derivative in zip(self.parameters, derivatives[len(outputs) :]):
                if derivative is not None:
                    update(parameter, derivative)
        self.calls.clear()

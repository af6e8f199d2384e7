"""The multilayer perceptron, plain torch."""

from collections.abc import Sequence
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mnist_mlp.model.dropout import Dropout

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "gelu": nn.GELU}


class BatchNorm1d(nn.BatchNorm1d):
    """torch's batch normalisation; a batch of one image has no variance and is normalised by the running statistics."""

    def forward(self, input: Tensor) -> Tensor:
        if self.training and len(input) == 1:
            return F.batch_norm(input, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(input)


class MLP(nn.Sequential):
    """Fully connected layers from pixels, float (n, in_features), to logits, float (n, num_classes).

    Weights are Glorot-uniform (Glorot and Bengio 2010), biases zero, as in Keras.

    Args:
        hidden_sizes: Units of each hidden layer; empty for a perceptron.
        activation: A key of ``ACTIVATIONS``.
        dropout: Probability in [0, 1) with which a hidden unit is dropped (Srivastava et al. 2014).
        in_features: Pixels of an image.
        num_classes: Number of labels.
        batch_norm: Whether batch normalisation (Ioffe and Szegedy 2015, arXiv:1502.03167) comes before each activation.
    """

    def __init__(
        self,
        hidden_sizes: Sequence[Annotated[int, "[1, inf)"]],
        activation: Annotated[str, "ACTIVATIONS"] = "relu",
        dropout: Annotated[float, "[0, 1)"] = 0.0,
        in_features: int = 784,
        num_classes: int = 10,
        batch_norm: bool = False,
    ) -> None:
        layers: list[nn.Module] = []
        for size in hidden_sizes:
            layers.append(nn.Linear(in_features, size))
            if batch_norm:
                layers.append(BatchNorm1d(size))
            layers.append(ACTIVATIONS[activation]())
            if dropout:
                layers.append(Dropout(dropout))
            in_features = size
        super().__init__(*layers, nn.Linear(in_features, num_classes))
        for layer in self:
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)


def count_parameters(module: nn.Module) -> int:
    """Returns the number of parameters."""
    return sum(parameter.numel() for parameter in module.parameters())


def summary(network: nn.Module, in_features: int = 784) -> str:
    """Returns a table of the layers with their output shapes and numbers of parameters, and the total.

    Args:
        network: Maps images (n, in_features) to logits. It is called once, without training it.
        in_features: Pixels of an image.
    """
    rows = [("layer", "output", "parameters")]

    def add(layer: nn.Module, _: object, output: Tensor) -> None:
        shape = ", ".join(map(str, ("batch", *output.shape[1:])))
        rows.append((type(layer).__name__, f"({shape})", f"{count_parameters(layer):,}"))

    layers = [layer for layer in network.modules() if not list(layer.children())]
    hooks = [layer.register_forward_hook(add) for layer in layers]
    training, image = network.training, next(network.parameters()).new_zeros(1, in_features)
    with torch.no_grad():
        network.eval()(image)
    network.train(training)
    for hook in hooks:
        hook.remove()
    rows.append(("total", "", f"{count_parameters(network):,}"))
    return "\n".join(f"{name:<12}{output:<16}{parameters:>12}" for name, output, parameters in rows)

import pytest
import torch
from torch import nn

from mnist_mlp.model.dropout import Dropout
from mnist_mlp.model.mlp import ACTIVATIONS, MLP, BatchNorm1d, count_parameters, summary


@pytest.mark.parametrize(
    ("hidden_sizes", "parameters"), [([], 7_850), ([64, 64], 55_050), ([128, 128], 118_282), ([512, 512], 669_706)]
)
def test_parameters_of_the_tutorials_models(hidden_sizes, parameters):
    assert count_parameters(MLP(hidden_sizes)) == parameters


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gives_logits_for_each_class(activation):
    logits = MLP([16, 8], activation, dropout=0.5, num_classes=7)(torch.rand(5, 784))
    assert logits.shape == (5, 7)
    assert (logits < 0).any()  # logits, not ReLU's or softmax's output


def test_weights_are_glorot_uniform_and_biases_zero():
    layer = MLP([400])[0]
    bound = (6 / (784 + 400)) ** 0.5
    assert layer.weight.abs().max() <= bound
    assert layer.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.01)
    assert not layer.bias.any()


def test_dropout_follows_each_hidden_layer_only():
    kinds = [type(layer) for layer in MLP([8, 8], dropout=0.3)]
    assert kinds == [nn.Linear, nn.ReLU, Dropout] * 2 + [nn.Linear]
    assert Dropout not in [type(layer) for layer in MLP([8, 8])]


def test_batch_norm_stands_between_layer_and_activation():
    kinds = [type(layer) for layer in MLP([8, 8], batch_norm=True, dropout=0.3)]
    assert kinds == [nn.Linear, BatchNorm1d, nn.ReLU, Dropout] * 2 + [nn.Linear]


def test_batch_norm_of_one_image():
    network = MLP([8], batch_norm=True).train()
    network(torch.rand(5, 784))
    image = torch.rand(1, 784)
    assert torch.allclose(network(image), network.eval()(image))


def test_summary_names_layers_shapes_and_parameters():
    lines = summary(MLP([64, 64])).splitlines()
    assert lines[1].split() == ["Linear", "(batch,", "64)", "50,240"]
    assert lines[-1].split() == ["total", "55,050"]

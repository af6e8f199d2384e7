import pytest
import torch
from support.commands import composed
from torch import nn

from mnist_mlp.data.batches import logits_of
from mnist_mlp.errors import InputError
from mnist_mlp.training import build
from mnist_mlp.training.calibration import best_threshold, fit_temperature
from mnist_mlp.training.evaluate import evaluate


@pytest.fixture(scope="module")
def data():
    return build.build_data(composed("data=digits"))


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(784, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 10)).train()


def test_accuracy_and_loss_are_those_of_a_plain_loop(data):
    tested = network()
    evaluation = evaluate(tested, nn.CrossEntropyLoss(), data)
    correct, loss = 0, 0.0
    for image, label in zip(*data.parts["test"]):
        logits = tested.eval()(image[None] / 255)
        correct += int(logits.argmax() == label)
        loss += nn.functional.cross_entropy(logits, label[None]).item()
    count = len(data.parts["test"][1])
    assert evaluation.accuracy == pytest.approx(correct / count)
    assert evaluation.loss == pytest.approx(loss / count, rel=1e-5)


def test_a_loss_is_the_runs_own(data):
    smoothed = nn.CrossEntropyLoss(label_smoothing=0.5)
    evaluation = evaluate(network(), smoothed, data)
    assert evaluation.loss == pytest.approx(smoothed(evaluation.test_logits, data.parts["test"][1]).item())


def test_a_network_that_gives_nan_is_refused(data):
    broken = network()
    broken[0].bias.data[0] = float("nan")
    with pytest.raises(InputError, match="the network of the best epoch gives nan or inf for some images"):
        evaluate(broken, nn.CrossEntropyLoss(), data)


def test_temperature_and_threshold_are_fitted_on_validation_images(data):
    tested = network()
    evaluation = evaluate(tested, nn.CrossEntropyLoss(), data)
    images, labels = data.parts["val"]
    logits = logits_of(tested, images)
    scaled = [nn.functional.cross_entropy(logits / t, labels).item() for t in (evaluation.temperature, 1)]
    assert scaled[0] < scaled[1]
    refused = (logits / evaluation.temperature).softmax(1).amax(1) < evaluation.threshold
    assert refused.sum() == len(labels) // 50  # 2 %


def test_with_outliers_and_hands_they_are_fitted_on_drawings_too(few_drawings):
    data = build.build_data(composed("data=digits", "data.outliers=0.25", "data.hands=0.25"))
    tested = network()
    evaluation = evaluate(tested, nn.CrossEntropyLoss(), data)
    images, labels, others = data.calibration()
    logits = logits_of(tested, images)
    assert evaluation.temperature == fit_temperature(logits, labels)
    scaled = [(part / evaluation.temperature).softmax(1) for part in (logits, logits_of(tested, others))]
    assert evaluation.threshold == best_threshold(*scaled, 0.25)


def test_calibration_error_is_the_gap_between_confidence_and_accuracy(data):
    evaluation = evaluate(network(), nn.CrossEntropyLoss(), data)
    probabilities = (evaluation.test_logits / evaluation.temperature).softmax(1)
    confidence, predicted = probabilities.max(1)
    right = (predicted == data.parts["test"][1]).float()
    gaps = [
        (right[inside].mean() - confidence[inside].mean()).abs().item() * inside.float().mean().item()
        for low in range(15)
        if (inside := (confidence > low / 15) & (confidence <= (low + 1) / 15)).any()
    ]
    assert evaluation.calibration_error == pytest.approx(sum(gaps), abs=1e-5)


def test_a_network_trained_in_bfloat16_is_evaluated_in_float32(data):
    half = network().bfloat16()
    expected = network()
    expected.load_state_dict({name: tensor.float() for name, tensor in half.state_dict().items()})
    evaluation = evaluate(half, nn.CrossEntropyLoss(), data)
    assert evaluation.test_logits.dtype == torch.float32
    assert torch.equal(evaluation.test_logits, logits_of(expected.eval(), data.parts["test"][0]))

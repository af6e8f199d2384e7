import torch

from mnist_mlp import plots


def test_curves_show_training_and_validation_in_one_chart_each():
    row = {"epoch": 1, "train_loss": 1.0, "train_accuracy": 0.5, "val_loss": 2.0, "val_accuracy": 0.4}
    accuracy, loss = plots.curves([row, {**row, "epoch": 2, "val_accuracy": 0.9}]).axes
    assert accuracy.get_ylabel() == "accuracy"
    training, validation = accuracy.lines
    assert training.get_ydata().tolist() == [0.5, 0.5]
    assert validation.get_ydata().tolist() == [0.4, 0.9]
    assert [line.get_label() for line in loss.lines] == ["training", "validation"]


def test_confusion_matrix_counts_every_image():
    counts = torch.tensor([[5, 1], [2, 7]])
    (axes,) = plots.confusion_matrix(counts, ["0", "1"]).axes
    assert axes.get_title() == "3 of 15 test images misread"
    assert {(*text.get_position(), int(text.get_text())) for text in axes.texts} == {
        (0, 0, 5),
        (1, 0, 1),
        (0, 1, 2),
        (1, 1, 7),
    }


def test_misread_shows_the_surest_mistakes_first():
    probabilities = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.05, 0.95], [0.4, 0.6]])
    labels = torch.tensor([0, 0, 0, 1])
    figure = plots.misread(torch.rand(4, 784), labels, probabilities, ["no", "yes"], most=1)
    assert figure.get_suptitle().startswith("2 of 4 test images misread")
    assert [axes.get_title() for axes in figure.axes if axes.get_title()] == ["no → yes"]


def test_misread_without_mistakes():
    figure = plots.misread(torch.rand(1, 784), torch.tensor([0]), torch.tensor([[1.0, 0]]), ["a", "b"])
    assert figure.get_suptitle().startswith("0 of 1 ")

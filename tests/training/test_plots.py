import pytest
import torch

from mnist_mlp.training import plots


def test_curves_show_training_and_validation_in_one_chart_each():
    row = {"epoch": 1, "train_loss": 1.0, "train_accuracy": 0.5, "val_loss": 2.0, "val_accuracy": 0.4}
    figure = plots.curves([row, {**row, "epoch": 2, "val_accuracy": 0.9}], 2, "a run")
    figure.canvas.draw()
    accuracy, loss = figure.axes
    assert accuracy.get_ylabel() == "accuracy"
    training, validation, best = accuracy.lines
    assert training.get_ydata().tolist() == [0.5, 0.5]
    assert validation.get_ydata().tolist() == [0.4, 0.9]
    assert best.get_xdata() == [2, 2]
    assert [line.get_label().partition(":")[0] for line in loss.lines] == ["training", "validation", "best epoch"]
    assert all(label.get_text().endswith("%") for label in accuracy.get_yticklabels())
    assert figure.get_suptitle() == "a run"


def test_augmentation_shows_originals_above_copies():
    images, copies = torch.full((3, 784), 0.2), [torch.full((3, 784), value) for value in (0.4, 0.6)]
    (axes,) = plots.augmentation(images, copies).axes
    sheet = axes.images[0].get_array()
    assert sheet.shape == (3 * 28, 3 * 28)
    assert sheet[[0, 28, 56], 0].tolist() == pytest.approx([0.2, 0.4, 0.6])


def test_confusion_matrix_counts_every_image():
    counts = torch.tensor([[5, 1], [2, 7]])
    axes, scale = plots.confusion_matrix(counts, ["0", "1"]).axes
    assert scale.get_ylabel() == "images misread so"
    assert axes.get_title() == "3 of 15 test images misread"
    assert {(*text.get_position(), int(text.get_text())) for text in axes.texts} == {
        (0, 0, 5),
        (1, 0, 1),
        (0, 1, 2),
        (1, 1, 7),
    }


def random_images(count: int) -> torch.Tensor:
    return torch.randint(0, 256, (count, 784), dtype=torch.uint8)


def test_misread_shows_the_most_confident_mistakes_first():
    probabilities = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.05, 0.95], [0.4, 0.6]])
    labels = torch.tensor([0, 0, 0, 1])
    (axes,) = plots.misread(random_images(4), labels, probabilities, ["no", "yes"], most=1).axes
    assert axes.get_title().startswith("2 of 4 test images misread")
    assert [text.get_text() for text in axes.texts] == ["no → yes"]


def test_misread_shows_the_images_as_they_are():
    images = random_images(2)
    probabilities = torch.tensor([[0.3, 0.7], [0.1, 0.9]])
    (axes,) = plots.misread(images, torch.tensor([0, 0]), probabilities, ["0", "1"]).axes
    sheet = torch.tensor(axes.images[0].get_array())
    surest = images[1].reshape(28, 28).float()
    assert any(torch.equal(sheet[row : row + 28, 7:35], surest) for row in range(14))
    assert sheet.sum().item() == pytest.approx(images.sum().item(), rel=1e-4)
    assert axes.images[0].get_clim() == (0, 255)


def test_misread_without_mistakes():
    (axes,) = plots.misread(random_images(1), torch.tensor([0]), torch.tensor([[1.0, 0]]), ["a", "b"]).axes
    assert axes.get_title().startswith("0 of 1 ")

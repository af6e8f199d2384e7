"""What TensorBoard shows of a run."""

from contextlib import suppress
from typing import Any

from lightning import Trainer
from lightning.pytorch.loggers import Logger
from omegaconf import DictConfig
from torch.utils.tensorboard.summary import hparams
from torchmetrics.functional.classification import multiclass_confusion_matrix

from mnist_mlp.data.module import DigitsDataModule
from mnist_mlp.runs.atomic import dispensable, save_figure
from mnist_mlp.runs.folder import Row, RunFolder
from mnist_mlp.runs.metrics import Metrics
from mnist_mlp.runs.settings import flatten
from mnist_mlp.training import plots
from mnist_mlp.training.build import plain
from mnist_mlp.training.callbacks.event_file import Writer
from mnist_mlp.training.callbacks.history import History
from mnist_mlp.training.classifier import Classifier
from mnist_mlp.training.evaluate import Evaluation

RESULTS = ("test_accuracy", "val_accuracy")  # the columns of the HPARAMS tab


class Dashboard(Logger):
    """A logger that writes TensorBoard's files: curves, the config, the graph, and pictures of the test's mistakes.

    There are three of TensorBoard's runs below the run's folder: training and validation, as in Keras, since equal tags
    of several runs are drawn in one chart; and the result with all the rest. The HPARAMS tab takes what the settings'
    run holds for results: if the curves lay there or below, their last values would be columns too.
    What is logged as ``train_NAME`` and ``val_NAME`` is drawn over epochs, anything else over steps.
    """

    name: Any = "tensorboard"
    version: Any = ""
    save_dir: Any = None

    def __init__(self, run: RunFolder) -> None:
        super().__init__()
        self.run, self.save_dir = run, str(run.path)
        self.writers: dict[str, Writer] = {}

    def begin(self, config: str, classifier: Classifier, data: DigitsDataModule, rows: list[Row]) -> None:
        """Writes the config (YAML), the graph, the augmented images and the rows of earlier epochs.

        It deletes what an earlier process wrote: how much of that reached the disk is not known.
        """
        for name, folder in (("train", "train"), ("val", "validation"), ("result", "result")):
            self.writers[name] = Writer(self.run.path / folder)
        self.writers["result"].add_text("config", f"```yaml\n{config}```")
        with suppress(Exception):  # one's own network may do what torch cannot trace
            self.writers["result"].add_graph(classifier.network, next(iter(data.val_dataloader())).images[:1])
        if data.augment is not None:
            figure = plots.augmentation(*data.augmentation(images=16, copies=7))
            with dispensable():
                save_figure(self.run.augmentation, figure)
            self.writers["result"].add_figure("augmentation", figure)
        for row in rows:
            self.show(row)
        self.flush()

    @property
    def experiment(self) -> Writer | None:
        """The writer of what is neither training nor validation, with torch's ``add_image`` and so on."""
        return self.writers.get("result")

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        for name, value in metrics.items():
            if self.experiment and name != "epoch" and not name.startswith(("train_", "val_")):  # those come as a row
                self.experiment.add_scalar(name, value, step)

    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        """Does nothing: ``finish`` writes them, with the results."""

    def on_epoch(self, trainer: Trainer, history: History) -> None:
        """Shows the epoch's row. An observer of History."""
        if trainer.is_global_zero:
            self.show(history.rows[-1])
            self.flush()

    def show(self, row: Row) -> None:
        """Adds a point to each curve."""
        self.writers["train"].add_scalar("lr", row["lr"], row["epoch"])
        for name, value in row.items():
            part, _, metric = name.partition("_")
            if part in ("train", "val") and value is not None:
                self.writers[part].add_scalar(metric, value, row["epoch"])

    def show_test(self, evaluation: Evaluation, data: DigitsDataModule, epoch: int) -> None:
        """Adds the confusion matrix and the misclassified test images."""
        images, labels = data.parts["test"]
        logits, classes, writer = evaluation.test_logits, data.classes, self.writers["result"]
        counts = multiclass_confusion_matrix(logits, labels, len(classes))
        writer.add_figure("confusion", plots.confusion_matrix(counts, classes), epoch)
        writer.add_figure("misread", plots.misread(images, labels, logits.softmax(1), classes), epoch)

    def finish(self, settings: dict[str, Any], metrics: Metrics) -> None:
        """Writes the run's row in the HPARAMS tab.

        The results come with the settings, at the end: TensorBoard shows -1 for results that come later. This does not
        use ``add_hparams``, with which each run declares the columns and TensorBoard believes only one of them.
        """
        plain = {key: value if isinstance(value, (bool, int, float)) else str(value) for key, value in settings.items()}
        _, begin, end = hparams(plain, {})
        for summary in (begin, end):
            self.writers["result"].file_writer.add_summary(summary)
        for name in (*RESULTS, *(name for name in metrics.others if name.startswith("test_"))):
            if (value := metrics.value(name)) is not None:
                self.writers["result"].add_scalar(name, value)
        self.flush()

    def flush(self) -> None:
        """Writes what waits to the files."""
        for writer in self.writers.values():
            with dispensable():
                writer.flush()


def hyperparameters(config: DictConfig) -> dict[str, Any]:
    """Returns the settings that can differ between runs and matter, by dotted keys."""
    values = {}
    for key, value in flatten(plain(config)).items():
        group, _, name = key.partition(".")
        if name == "_target_" and group in ("optimizer", "scheduler", "loss", "augment", "average"):
            values[group] = value.rpartition(".")[2]
        elif value == {}:
            values[key] = "none"
        elif name not in ("_target_", "_partial_", "root", "fallback") and key not in ("data.seed", "checkpoint"):
            values[key] = value
    return values

"""What TensorBoard shows of a run."""

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams
from torchmetrics.functional.classification import multiclass_confusion_matrix

from mnist_mlp.data.module import DigitsDataModule
from mnist_mlp.runs.atomic import replacing
from mnist_mlp.training import plots
from mnist_mlp.training.callbacks.history import History


class Dashboard(Callback):
    """Curves with epochs as x, the config as text, the graph, and pictures of the test images' reading.

    Training and validation are runs of their own below the run's folder, as Keras writes them: TensorBoard draws equal
    tags of several runs in one chart.
    """

    def __init__(self, history: History, config: str, classes: list[str]) -> None:
        self.history, self.config, self.classes = history, config, classes
        self.writers: dict[str, SummaryWriter] = {}
        self.logits: list[torch.Tensor] = []

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        if trainer.is_global_zero:
            self.begin(trainer, module)

    def on_test_start(self, trainer: Trainer, module: LightningModule) -> None:
        if not self.writers:  # a finished run was continued, and had nothing left to train
            self.begin(trainer, module)

    def begin(self, trainer: Trainer, module: LightningModule) -> None:
        """Writes all anew that a run which is continued had shown: what of it had reached the disk is not known."""
        for name, run in (("run", "."), ("train", "train"), ("val", "validation")):
            folder = self.history.folder / run
            for events in folder.glob("events.out.tfevents.*"):
                events.unlink()
            self.writers[name] = SummaryWriter(str(folder))
        image = next(iter(trainer.datamodule.val_dataloader()))[0][:1]
        self.writers["run"].add_text("config", f"```yaml\n{self.config}```")
        self.writers["run"].add_graph(module.network, image)
        if trainer.datamodule.augment is not None:
            self.show_augmentation(trainer.datamodule)
        for row in self.history.rows:
            self.show(row)

    def show_augmentation(self, data: DigitsDataModule) -> None:
        figure = plots.augmentation(*data.augmentation(images=16, copies=7))
        with replacing(self.history.folder / "augmentation.png") as path:
            figure.savefig(path, format="png", dpi=120)
        self.writers["run"].add_figure("augmentation", figure)

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        if trainer.is_global_zero:
            self.show(self.history.rows[-1])

    def show(self, row: dict) -> None:
        for column, value in row.items():
            part, _, metric = column.partition("_")
            if column == "lr":
                self.writers["train"].add_scalar("lr", value, row["epoch"])
            elif metric and value is not None:
                self.writers[part].add_scalar(metric, value, row["epoch"])

    def on_test_batch_end(self, trainer: Trainer, module: LightningModule, logits: torch.Tensor, *_) -> None:
        self.logits.append(logits)

    def on_test_end(self, trainer: Trainer, module: LightningModule) -> None:
        logits = torch.cat(self.logits).float().cpu()
        images, labels = (torch.cat(part).cpu() for part in zip(*trainer.datamodule.test_dataloader()))
        counts = multiclass_confusion_matrix(logits, labels, len(self.classes))
        step = len(self.history.rows)
        self.writers["run"].add_figure("test/confusion", plots.confusion_matrix(counts, self.classes), step)
        self.writers["run"].add_figure(
            "test/misread", plots.misread(images, labels, logits.softmax(1), self.classes), step
        )

    def log_hyperparameters(self, settings: dict, results: dict[str, float]) -> None:
        """The run's row in the HPARAMS tab; given at the end, since figures given later would show as -1.

        Not by ``add_hparams``, which has each run say what the columns are, where TensorBoard believes only one of
        them: left to itself, it shows the settings of all runs.
        """
        plain = {key: value if isinstance(value, (bool, int, float)) else str(value) for key, value in settings.items()}
        _, begin, end = hparams(plain, {})
        for summary in (begin, end):
            self.writers["run"].file_writer.add_summary(summary)
        for name, value in results.items():
            if value is not None:
                self.writers["run"].add_scalar(f"result/{name}", value)

    def close(self) -> None:
        for writer in self.writers.values():
            writer.close()

"""A run from beginning to end: config -> data, classifier, trainer -> fit -> evaluate -> run folder."""

import logging
import math
import warnings
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from lightning import Trainer
from lightning.pytorch.callbacks import Callback, ProgressBar
from lightning.pytorch.utilities.exceptions import MisconfigurationException
from omegaconf import DictConfig, OmegaConf
from torch import nn

from mnist_mlp.adaptation.scores import in_words, interval, scores
from mnist_mlp.data.module import DigitsDataModule
from mnist_mlp.errors import InputError, one_line, warn
from mnist_mlp.model.mlp import count_parameters, summary
from mnist_mlp.model.precision import matmul_precision
from mnist_mlp.runs.checkpoint import check_settings, read_checkpoint
from mnist_mlp.runs.folder import COLUMNS, RunFolder
from mnist_mlp.runs.metrics import Metrics
from mnist_mlp.terminal import say, shell_command
from mnist_mlp.training import build, ranks
from mnist_mlp.training.callbacks.checkpoints import bring_best, save_last_and_best
from mnist_mlp.training.callbacks.history import History
from mnist_mlp.training.callbacks.keep_start import KeepStart
from mnist_mlp.training.callbacks.progress_bar import EpochProgress
from mnist_mlp.training.callbacks.tensorboard import Dashboard, hyperparameters
from mnist_mlp.training.classifier import Classifier
from mnist_mlp.training.evaluate import Evaluation, evaluate

OF_LIGHTNING = (MisconfigurationException, ValueError, ImportError)  # what it raises before training, for a setting


def train(config: DictConfig, folder: str | Path, varied: dict | None = None) -> Metrics | None:
    """Trains what the config describes, tests the best epoch once, and fills the run folder.

    With several devices it starts a process for each, unless it already is one of them, as under torchrun.

    Args:
        config: The composed and checked config.
        folder: The run folder.
        varied: What the HPARAMS tab compares: in a sweep what it varies, otherwise every setting.

    Returns:
        What metrics.json holds; None in all processes but the first.

    Raises:
        InputError: Something is wrong that the user can fix.
        KeyboardInterrupt: After Ctrl-C, with what is kept and how to resume.
    """
    run = RunFolder(Path(folder).absolute())
    build.check_machine(config)
    try:
        if config.trainer.devices > 1 and not ranks.is_rank():
            return ranks.run_in_processes(config.trainer.devices, train, config, folder, varied)
        quieten_libraries()
        with ranks.quiet_unless_first():
            return train_and_evaluate(config, run, varied)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(what_is_kept(run, config.trainer.max_epochs)) from None


def train_and_evaluate(config: DictConfig, run: RunFolder, varied: dict | None) -> Metrics | None:
    """Does what ``train`` says, in this process."""
    callbacks = build.build_named(config.callbacks, "callbacks")
    block_size, reason = build.build_block_size(config, callbacks)
    bars, dashboard = progress_bars(config, callbacks), Dashboard(run)
    observers = *(bar.on_epoch for bar in bars), dashboard.on_epoch, save_last_and_best
    history = History(run, *observers, monitor=config.monitor, mode=config.mode)
    loggers = [dashboard, *build.build_named(config.logger, "logger", save_dir=str(run.path))]
    trainer = build.build_trainer(config, run.path, block_size, [*bars, *callbacks, history], loggers)
    data = described(build.build_data(config, block_size))
    classifier = build.build_classifier(config, data)
    if config.trainer.get("enable_model_summary", True):
        print(summary(classifier.network), flush=True)
    if reason and config.data.block_size > 1:
        print(f"plain Lightning steps, a batch at a time, for {reason}", flush=True)

    start = kept_start(config, data, trainer)
    if config.checkpoint is not None:
        load_checkpoint(Path(config.checkpoint), classifier, history, trainer)
    if trainer.is_global_zero:
        dashboard.begin(OmegaConf.to_yaml(config, resolve=True), classifier, data, history.rows)
    with matmul_precision(config.matmul_precision):
        fit(trainer, classifier, data, config.checkpoint, history)
    if not trainer.is_global_zero:
        return None

    bring_best(history)
    load_weights(classifier, run.best, read_checkpoint(run.best))
    evaluation = evaluate(classifier.trained, classifier.loss, data, classifier.others)
    own = scores(data, start, classifier.trained) if data.own else None
    metrics = replace(metrics_of(classifier, data, history, evaluation), own_digits=own)
    print_scores(metrics, len(data.parts["test"][1]))  # the pictures take a second
    history.draw()
    dashboard.show_test(evaluation, data, len(history.rows))
    dashboard.finish(varied or hyperparameters(config), metrics)
    run.write_metrics(metrics)
    print_places(run)
    if metrics.warning:
        warn(metrics.warning)
    return metrics


def described(data: DigitsDataModule) -> DigitsDataModule:
    """Prints what the data are, and returns them."""
    if data.warning:
        warn(data.warning)
    say(data.description())
    return data


def kept_start(config: DictConfig, data: DigitsDataModule, trainer: Any) -> nn.Module | None:
    """Returns the network that training starts from if it is used again, and adds what keeps ``init_share`` of it."""
    start = build.build_start(config, data) if config.init_share or data.own else None
    if config.init_share:
        if start is None:
            why = f"{config.init} is gone, damaged or of other classes"
            warn(f"init_share={config.init_share}: of no effect, since {why}")
        else:
            trainer.callbacks.insert(0, KeepStart(start, config.init_share))
    return start


def progress_bars(config: DictConfig, callbacks: list[Callback]) -> list[EpochProgress]:
    """Returns this project's progress bar, unless it is off or another is among the callbacks."""
    off = config.trainer.get("enable_progress_bar") is False or any(isinstance(c, ProgressBar) for c in callbacks)
    return [] if off else [EpochProgress()]


def quieten_libraries() -> None:
    """Silences what libraries say about themselves. Errors and this project's own lines remain."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.simplefilter("ignore")


def load_checkpoint(path: Path, classifier: Classifier, history: History, trainer: Trainer) -> None:
    """Checks the checkpoint to resume from, and takes its weights and rows, before training begins.

    Raises:
        InputError: It is damaged, or of another model, other settings or more epochs.
    """
    best = path.with_name(history.run.best.name)
    try:
        checkpoint = read_checkpoint(path)
    except InputError as error:
        other = f"; resume={best} goes on after the best epoch" if best.is_file() and path != best else ""
        raise InputError(f"{error}{other}") from error
    check_settings(path, checkpoint, dict(classifier.hparams))
    load_weights(classifier, path, checkpoint)
    if state := checkpoint["callbacks"].get(history.state_key):
        history.load_state_dict(state)
        history.best_before = best if best.is_file() else path
        if not best.is_file() and not history.run.best.is_file() and history.best() is not history.rows[-1]:
            raise InputError(f"{best}: No such file: epoch {history.best()['epoch']}, the best of the run, is in it")
    if len(history.rows) > (trainer.max_epochs or 0):
        raise InputError(
            f"trainer.max_epochs={trainer.max_epochs}: {path} has {len(history.rows)} epochs already;"
            " it must be at least that"
        )
    if any(state.get("stopped_epoch") for state in checkpoint["callbacks"].values()):  # by early stopping
        print(f"early stopping ended this run after epoch {len(history.rows)}: no epoch is added")
        trainer.fit_loop.max_epochs = len(history.rows)


def load_weights(classifier: Classifier, path: Path, checkpoint: dict) -> None:
    """Raises InputError unless the checkpoint is of such a classifier."""
    try:
        classifier.load_state_dict(checkpoint["state_dict"])
    except Exception as error:  # a file may hold anything in the place of weights
        raise InputError(f"{path}: of another model than the config's: {error}") from error


def fit(
    trainer: Trainer, classifier: Classifier, data: DigitsDataModule, checkpoint: str | None, history: History
) -> None:
    """Trains, from ``checkpoint`` on if there is one. What was saved before an error or Ctrl-C stays."""
    try:
        trainer.fit(classifier, data, ckpt_path=checkpoint, weights_only=True)
    except InputError as error:
        if not (history.rows and history.run.best.is_file()):
            raise
        with suppress(InputError):  # a full disk has no room for curves either
            history.draw()
        raise InputError(f"{error}; the best epoch so far is kept in {shown(history.run.best)}") from error
    except Exception as error:
        if isinstance(error, OF_LIGHTNING) and not history.began and checkpoint is None:
            raise InputError(f"trainer: {one_line(error)}") from error  # what Lightning finds when it knows the data
        if checkpoint is None or history.began:
            raise
        raise InputError(f"{checkpoint}: cannot be continued ({type(error).__name__}: {error})") from error
    except SystemExit:  # how Lightning ends a fit after Ctrl-C
        if history.rows:
            history.draw()
        raise KeyboardInterrupt from None
    if history.unfinished:
        print(f"epoch {history.unfinished} was not finished and is left out")


def metrics_of(classifier: Classifier, data: DigitsDataModule, history: History, evaluation: Evaluation) -> Metrics:
    """Returns what metrics.json holds of a finished run."""
    best = history.best()
    no_loss = None if math.isfinite(evaluation.loss) else f"test_loss is {evaluation.loss}"
    return Metrics(
        data=data.dataset,
        test_accuracy=evaluation.accuracy,
        test_loss=evaluation.loss if math.isfinite(evaluation.loss) else None,
        test_calibration_error=evaluation.calibration_error,
        val_accuracy=best["val_accuracy"],
        val_loss=best["val_loss"],
        best_epoch=best["epoch"],
        epochs=len(history.rows),
        parameters=count_parameters(classifier.network),
        fit_seconds=round(history.seconds, 2),
        seed=classifier.seed,
        classes=data.classes,
        temperature=evaluation.temperature,
        threshold=evaluation.threshold,
        on_white=data.on_white(),
        warning="; ".join(filter(None, [data.warning, no_loss])) or None,
        monitor=history.monitor,
        mode=history.mode,
        others={name: value for name, value in best.items() if name not in COLUMNS and value is not None}
        | {f"test_{name}": value for name, value in evaluation.others.items()},
    )


def what_is_kept(run: RunFolder, max_epochs: int) -> str:
    """Returns what to say when a run is stopped."""
    if not run.last.exists():
        return "no epoch was finished, so nothing was kept"
    epochs = read_checkpoint(run.last)["epoch"] + 1
    again = shell_command("python", "train.py", f"resume={shown(run.path)}")
    return f"{epochs} of {max_epochs} epochs are kept; to continue:\n  {again}"


def print_scores(metrics: Metrics, tested: int) -> None:
    """Prints what a run reached, and of one's own images, which may be few, how much that says."""
    loss = "not finite" if metrics.test_loss is None else f"{metrics.test_loss:.4f}"
    best = f"epoch {metrics.best_epoch} of {metrics.epochs}, best on validation"
    say(f"test accuracy {metrics.test_accuracy:.2%}, loss {loss} ({best})")
    if metrics.data == "folder":
        low, high = interval(round(metrics.test_accuracy * tested), tested)
        say(f"95 % interval, from {tested:,} test images: {100 * low:.2f} to {100 * high:.2f} %")
    if metrics.own_digits:
        say(in_words(metrics.own_digits, str(metrics.data)))


def print_places(run: RunFolder) -> None:
    """Prints where a run lies, and what to type next."""
    logdir = "outputs" if run.path.is_relative_to(Path("outputs").absolute()) else shown(run.path)
    print(f"run folder: {shown(run.path)}\ndashboard:  {shell_command('tensorboard', '--logdir', logdir)}")


def shown(path: Path) -> Path:
    """Returns the path relative to the working directory, if it lies below it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path

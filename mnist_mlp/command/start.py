"""A training that starts from a run's weights, ``init=RUN``, has that run's model."""

import json
from pathlib import Path

from mnist_mlp.command.options import options
from mnist_mlp.command.resume import by_key, parsed
from mnist_mlp.errors import InputError
from mnist_mlp.runs.folder import folder_of
from mnist_mlp.runs.settings import flatten


def with_start(arguments: list[str]) -> list[str]:
    """Returns the arguments with the model of the run that ``init=RUN`` names put before them.

    So the model is among what the new run was begun with, and it can be resumed when RUN is gone. What is typed of the
    model stays; so do the arguments that resume a run. ``experiment=learn`` leaves out what RUN was trained without.

    Raises:
        InputError: There is no such run, or the several of a sweep have different models or recipes.
    """
    words = by_key(arguments)
    if "init" not in words or {"resume", "checkpoint"} & words.keys():
        return arguments
    override = parsed(words["init"])
    texts = override.sweep_string_iterator() if override.is_discrete_sweep() else [words["init"].partition("=")[2]]
    runs = [parsed(f"init={text}").value() for text in texts]
    learns = words.get("experiment") == "experiment=learn"
    paths = [Path(str(run)) for run in runs if run is not None]
    begun = [[*model_of(path), *(left_out(path) if learns else [])] for path in paths]
    if any(other != begun[0] for other in begun):
        what = "models or recipes" if learns else "models"
        raise InputError(f"{words['init']}: runs with different {what}; start from one of them at a time")
    chosen = {group for group in ("model", "loss") if group in words}  # with other settings than the run's

    def is_typed(word: str) -> bool:
        key = word.partition("=")[0].lstrip("+")
        return key in words or key.partition(".")[0] in chosen

    return [*(word for word in (begun[0] if begun else []) if not is_typed(word)), *arguments]


def model_of(run: Path) -> list[str]:
    """Returns what one types to get the model of a run; nothing if its folder does not say.

    Args:
        run: A run folder or a checkpoint.
    """
    folder = folder_of(run)
    if not (folder.best if run.is_dir() else run).is_file():
        raise InputError(f"init={run}: no run is there: its folder has checkpoints/best.ckpt")
    if not folder.config_yaml.is_file():
        return []
    model, choice = folder.config.get("model"), folder.choices.get("model")
    if not isinstance(model, dict):
        raise InputError(f"{folder.config_yaml}: model: must hold the settings of the run's model")
    settings = [f"++{key}={json.dumps(value)}" for key, value in flatten(model, "model.").items()]
    return [f"model={choice}", *settings] if choice in options()["model"] else settings


def left_out(run: Path) -> list[str]:
    """Returns what one types so that ``experiment=learn`` leaves out what a run was trained without.

    One epoch is too short to learn, say, distorted digits for the first time: it would forget more than it learns.
    """
    folder = folder_of(run)
    config = flatten(folder.config) if folder.config_yaml.is_file() else {}
    words = {"data.hands": "data.hands=null", "data.outliers": "data.outliers=0"}
    words |= {"loss.label_smoothing": "loss.label_smoothing=0"}
    left = [word for key, word in words.items() if config and not config.get(key)]
    knows_distortions = config.get("augment._target_") and not config.get("augment.only_own")
    return left if knows_distortions or not config else ["augment=own", *left]

"""A run that saved nothing leaves no folder."""

import atexit
import shutil
from pathlib import Path

from hydra.experimental.callback import Callback
from omegaconf import DictConfig


class RemoveEmptyRunFolders(Callback):
    """Removes, when the program ends, the folder that it made for a run or a sweep if no checkpoint is in it."""

    def on_run_start(self, config: DictConfig, **_) -> None:
        atexit.register(remove_unless_saved, folders_made_by(Path(config.hydra.run.dir)))

    def on_multirun_start(self, config: DictConfig, **_) -> None:
        atexit.register(remove_unless_saved, folders_made_by(Path(config.hydra.sweep.dir)))


def folders_made_by(run: Path) -> list[Path]:
    """What making the folder ``run`` makes: it and its missing parents, innermost first; nothing if it is there."""
    if run.exists():
        return []
    return [folder for folder in (run, *run.parents) if not folder.exists()]


def remove_unless_saved(made: list[Path]) -> None:
    """Removes the first folder if it holds no checkpoint and no job's error, then each other that this leaves empty."""
    if not made or not made[0].exists() or any(made[0].rglob("*.ckpt")) or any(made[0].rglob("error.txt")):
        return
    shutil.rmtree(made[0])
    for parent in made[1:]:
        if any(parent.iterdir()):
            break
        parent.rmdir()

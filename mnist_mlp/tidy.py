"""A run that saved nothing leaves no folder."""

import atexit
import shutil
from pathlib import Path

from hydra.experimental.callback import Callback
from omegaconf import DictConfig


class RemoveEmptyRunFolders(Callback):
    """Removes, when the program ends, the folder that it made for a run or a sweep if no checkpoint is in it."""

    def on_run_start(self, config: DictConfig, **_) -> None:
        remove_at_exit(Path(config.hydra.run.dir))

    def on_multirun_start(self, config: DictConfig, **_) -> None:
        remove_at_exit(Path(config.hydra.sweep.dir))


def remove_at_exit(folder: Path) -> None:
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    if folder in made:
        atexit.register(remove_unless_saved, made)


def remove_unless_saved(made: list[Path]) -> None:
    folder, *parents = made
    if folder.exists() and not any(folder.rglob("*.ckpt")):
        shutil.rmtree(folder)
        for parent in parents:
            if any(parent.iterdir()):
                break
            parent.rmdir()

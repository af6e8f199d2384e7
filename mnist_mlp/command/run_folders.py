"""Each run and each sweep gets its own folder, and one that saved nothing leaves none."""

import atexit
import shutil
from contextlib import suppress
from itertools import chain, count
from pathlib import Path

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, read_write

from mnist_mlp.command.resume import quoted, slurm_mark


class RunFolders(Callback):
    """Hydra callback that takes another name if the folder exists, as when two runs begin in one second.

    A folder whose name was typed is used as it is. When the program ends, a folder that it made and in which nothing
    was saved is removed.
    """

    def on_run_start(self, config: DictConfig, **_) -> None:
        self.begin(config, "run")

    def on_multirun_start(self, config: DictConfig, **_) -> None:
        self.begin(config, "sweep")

    def begin(self, config: DictConfig, kind: str) -> None:
        folder, key = Path(config.hydra[kind].dir), f"hydra.{kind}.dir"
        made = folders_made_by(folder)
        if not any(override.startswith(f"{key}=") for override in config.hydra.overrides.hydra):
            folder = new_folder(folder)
            made = [folder, *(parent for parent in made if parent in folder.parents)]
            if mark := slurm_mark():
                (folder / mark).touch()
            with read_write(config.hydra):
                config.hydra[kind].dir = str(folder)
                config.hydra.overrides.hydra.append(f"{key}={quoted(folder)}")  # a sweep's jobs are composed anew
        atexit.register(remove_unless_saved, made)


def new_folder(folder: Path) -> Path:
    """Makes and returns ``folder``, or if that exists ``folder-2``, ``folder-3``, ..."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    for name in chain([folder.name], (f"{folder.name}-{number}" for number in count(2))):
        with suppress(FileExistsError):
            folder.with_name(name).mkdir()
            return folder.with_name(name)
    raise AssertionError  # there is always another number


def folders_made_by(run: Path) -> list[Path]:
    """Returns the folders that making ``run`` would make: it and its missing parents, innermost first."""
    if run.exists():
        return []
    return [folder for folder in (run, *run.parents) if not folder.exists()]


def remove_unless_saved(made: list[Path]) -> None:
    """Removes the first folder if it holds no checkpoint and no job's error, then each parent left empty."""
    if not made or not made[0].exists() or any(made[0].rglob("*.ckpt")) or any(made[0].rglob("error.txt")):
        return
    shutil.rmtree(made[0])
    for parent in made[1:]:
        if any(parent.iterdir()):
            break
        parent.rmdir()

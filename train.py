"""Trains a digit classifier: python train.py --help says what can be chosen."""

import os
import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from mnist_mlp.errors import InputError, shown_in_one_line
from mnist_mlp.settings import check


@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(config: DictConfig) -> None:
    with shown_in_one_line():
        check(config)
        run(config, Path(HydraConfig.get().runtime.output_dir))


def run(config: DictConfig, folder: Path) -> None:
    try:
        from mnist_mlp.training import train  # heavy, so after the check
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        raise InputError(
            f"torch and torchvision are builds that do not belong together ({error}):"
            " pip install --force-reinstall -c constraints.txt torch torchvision"
        ) from error
    train(config, folder)


def continued(arguments: list[str]) -> list[str]:
    """With ``checkpoint=RUN/checkpoints/last.ckpt``, RUN's own settings and folder come before the other arguments."""
    checkpoint = next((value for key, _, value in (a.partition("=") for a in arguments) if key == "checkpoint"), "")
    run = Path(checkpoint).absolute().parent.parent
    overrides = run / ".hydra/overrides.yaml"
    if not checkpoint or not overrides.is_file():
        return arguments
    return [*OmegaConf.load(overrides), f"hydra.run.dir='{run}'", *arguments]


if __name__ == "__main__":
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra lets errors through, and they are shown in one line here
    sys.argv[1:] = continued(sys.argv[1:])
    with shown_in_one_line():
        main()

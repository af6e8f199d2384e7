"""Trains a digit classifier: python train.py --help says what can be chosen."""

import os
import sys
import warnings
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from mnist_mlp.command_line import continued, errors_in_one_line, help_text
from mnist_mlp.errors import InputError
from mnist_mlp.settings import check


@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(config: DictConfig) -> None:
    with errors_in_one_line():  # here too, since Hydra adds lines of its own to what it lets through
        check(config)
        import_training().train(config, Path(HydraConfig.get().runtime.output_dir))


def import_training():
    """Takes seconds, so it waits until the config is known to be right."""
    try:
        from mnist_mlp import training
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        raise InputError(
            f"torch and torchvision are builds that do not belong together ({error});"
            " mend it with: pip install --force-reinstall -c constraints.txt torch torchvision"
        ) from error
    return training


if __name__ == "__main__":
    if {"--help", "-h"} & set(sys.argv[1:]):
        print(help_text(Path(__file__).parent / "conf"))
        sys.exit()
    os.environ["HYDRA_FULL_ERROR"] = "1"  # so that Hydra lets errors through
    warnings.simplefilter("ignore")
    sys.argv[1:] = continued(sys.argv[1:])
    with errors_in_one_line():
        main()

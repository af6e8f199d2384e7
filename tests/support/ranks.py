"""Functions that tests send to the processes of a training."""

import os
import signal
from unittest.mock import patch

from mnist_mlp.errors import InputError


def rank_and_count(word):
    return word, int(os.environ["LOCAL_RANK"]), int(os.environ["WORLD_SIZE"])


def fail_in_the_second(_):
    if os.environ["LOCAL_RANK"] == "1":
        raise InputError("no such file")
    signal.pause()  # waits as for the other process


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


def train_with_few_drawings(config, folder):
    from mnist_mlp.data import module  # these take seconds, which the others need not wait for
    from mnist_mlp.training import run as training

    with patch.object(module, "DRAWINGS", 200):  # the usual 5,000 take seconds too
        return training.train(config, folder)

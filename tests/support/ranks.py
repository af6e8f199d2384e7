"""What processes of a training do in tests: functions that can be sent to them."""

import os
import signal

from mnist_mlp.errors import InputError


def rank_and_count(word):
    return word, int(os.environ["LOCAL_RANK"]), int(os.environ["WORLD_SIZE"])


def fail_in_the_second(_):
    if os.environ["LOCAL_RANK"] == "1":
        raise InputError("no such file")
    signal.pause()  # as one that waits for the other


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)

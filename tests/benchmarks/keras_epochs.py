"""The same model in Keras, as its users write it; prints the seconds of each epoch as JSON. Run by epoch.py.

KERAS_BACKEND=tensorflow|jax python keras_epochs.py SETTINGS ROOT, in an environment that has keras and its backend;
SETTINGS is a JSON object with hidden_sizes, dropout, optimizer, batch_size and epochs.
"""

import json
import sys
import time
from pathlib import Path

import keras
import numpy as np


class EpochTimes(keras.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch, logs=None) -> None:
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None) -> None:
        self.seconds.append(time.perf_counter() - self.start)


def read(root: str, name: str, header: int) -> np.ndarray:
    return np.frombuffer((Path(root) / "MNIST/raw" / name).read_bytes(), np.uint8, offset=header)


def main(settings: dict, root: str) -> None:
    images = read(root, "train-images-idx3-ubyte", 16).reshape(-1, 784).astype("float32") / 255
    labels = keras.utils.to_categorical(read(root, "train-labels-idx1-ubyte", 8), 10)
    model = keras.Sequential([keras.Input((784,))])
    for size in settings["hidden_sizes"]:
        model.add(keras.layers.Dense(size, activation="relu"))
        if settings["dropout"]:
            model.add(keras.layers.Dropout(settings["dropout"]))
    model.add(keras.layers.Dense(10, activation="softmax"))
    model.compile(optimizer=settings["optimizer"], loss="categorical_crossentropy", metrics=["accuracy"])
    times = EpochTimes()
    how = {"batch_size": settings["batch_size"], "epochs": settings["epochs"], "validation_split": 0.2}
    model.fit(images, labels, verbose=0, callbacks=[times], **how)
    print(json.dumps(times.seconds))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2])

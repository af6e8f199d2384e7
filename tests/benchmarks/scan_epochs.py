"""The limit to aim at: a whole epoch as one compiled loop of JAX, by hand; prints each epoch's seconds as JSON.

Run by epoch.py: python scan_epochs.py SETTINGS ROOT, in an environment that has jax. SETTINGS: as keras_epochs.py has.
"""

import json
import sys
import time
from functools import partial
from itertools import pairwise
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

ADAM = {"decay": 0.9, "decay2": 0.999, "epsilon": 1e-8}


def read(root: str, name: str, header: int) -> np.ndarray:
    return np.frombuffer((Path(root) / "MNIST/raw" / name).read_bytes(), np.uint8, offset=header)


def logits_of(weights: list, images: jax.Array, dropout: float, key: jax.Array | None) -> jax.Array:
    """Returns the logits; with a key, with dropout after each hidden layer."""
    for place, (matrix, bias) in enumerate(weights):
        images = images @ matrix + bias
        if place < len(weights) - 1:
            images = jax.nn.relu(images)
            if key is not None and dropout:
                kept = jax.random.bernoulli(jax.random.fold_in(key, place), 1 - dropout, images.shape)
                images = jnp.where(kept, images / (1 - dropout), 0)
    return images


def loss_of(weights: list, images: jax.Array, labels: jax.Array, dropout: float, key: jax.Array) -> tuple:
    logits = logits_of(weights, images, dropout, key)
    loss = -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1).mean()
    return loss, (logits.argmax(1) == labels).mean()


def sgd(weights: list, gradients: list, moments: tuple, step: jax.Array) -> tuple:
    return jax.tree.map(lambda weight, gradient: weight - 0.01 * gradient, weights, gradients), moments


def adam(weights: list, gradients: list, moments: tuple, step: jax.Array) -> tuple:
    first, second = moments
    first = jax.tree.map(lambda old, new: ADAM["decay"] * old + (1 - ADAM["decay"]) * new, first, gradients)
    second = jax.tree.map(lambda old, new: ADAM["decay2"] * old + (1 - ADAM["decay2"]) * new**2, second, gradients)
    rate = 0.001 * jnp.sqrt(1 - ADAM["decay2"] ** step) / (1 - ADAM["decay"] ** step)
    return jax.tree.map(lambda w, a, b: w - rate * a / (jnp.sqrt(b) + ADAM["epsilon"]), weights, first, second), (
        first,
        second,
    )


@partial(jax.jit, static_argnames=("batch_size", "dropout", "update"), donate_argnums=(0, 1))
def epoch(weights, moments, begun, images, labels, key, batch_size, dropout, update):
    """Trains an epoch; returns the weights, the optimizer's moments, and the mean loss and accuracy."""
    order = jax.random.permutation(key, len(labels))
    batches = order[: len(order) // batch_size * batch_size].reshape(-1, batch_size)

    def step(state, place_and_batch):
        weights, moments = state
        place, batch = place_and_batch
        taken, truth = images[batch].astype(jnp.float32) / 255, labels[batch]
        gradient = jax.value_and_grad(loss_of, has_aux=True)
        figures, gradients = gradient(weights, taken, truth, dropout, jax.random.fold_in(key, place))
        return update(weights, gradients, moments, begun + place + 1.0), figures

    state, figures = jax.lax.scan(step, (weights, moments), (jnp.arange(len(batches)), batches))
    return *state, jax.tree.map(jnp.mean, figures)


@jax.jit
def validate(weights, images, labels):
    logits = logits_of(weights, images.astype(jnp.float32) / 255, 0, None)
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1).mean(), logits.argmax(1) == labels


def main(settings: dict, root: str) -> None:
    images = jnp.asarray(read(root, "train-images-idx3-ubyte", 16).reshape(-1, 784))
    labels = jnp.asarray(read(root, "train-labels-idx1-ubyte", 8).astype(np.int32))
    sizes = [784, *settings["hidden_sizes"], 10]
    random = np.random.default_rng(0)
    weights = []
    for before, after in pairwise(sizes):
        bound = (6 / (before + after)) ** 0.5
        matrix = random.uniform(-bound, bound, (before, after)).astype("float32")
        weights.append((jnp.asarray(matrix), jnp.zeros(after, "float32")))
    moments = tuple(jax.tree.map(jnp.zeros_like, weights) for _ in range(2))
    how = {"batch_size": settings["batch_size"], "dropout": settings["dropout"]}
    how["update"] = {"SGD": sgd, "Adam": adam}[settings["optimizer"]]
    seconds, begun = [], 0.0
    for number in range(settings["epochs"]):
        start = time.perf_counter()
        key = jax.random.key(number)
        weights, moments, figures = epoch(weights, moments, begun, images[:48000], labels[:48000], key, **how)
        loss, correct = validate(weights, images[48000:], labels[48000:])
        assert np.isfinite([float(value) for value in (*figures, loss)]).all()
        seconds.append(time.perf_counter() - start)
        begun += 48000 // settings["batch_size"]
    print(f"validation accuracy {float(correct.mean()):.4f}", file=sys.stderr)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2])

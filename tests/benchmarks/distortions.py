"""What distortions cost: seconds for an epoch with and without them, here and with kornia.

python tests/benchmarks/distortions.py [--rounds N]

The first two lines are epochs of experiment=record as train.py runs it, one after the other in each round. The others
are the distortion of as many images as an epoch has, in its batches; kornia's, where it is installed, with the same
rotation, scale, shear and shift (RandomAffine) and an elastic field as smooth (RandomElasticTransform).
"""

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable

import torch
from epoch import composed, this_project
from omegaconf import DictConfig

from mnist_mlp.model.threads import THREADS
from mnist_mlp.training.build import build_data


def images_only(config: DictConfig) -> Callable[[], None]:
    loader = build_data(config, config.data.block_size).train_dataloader()

    def run() -> None:
        for block in loader:
            for _ in block:
                pass

    return run


def kornia_only(config: DictConfig) -> Callable[[], None]:
    from kornia.augmentation import RandomAffine, RandomElasticTransform

    settings, side = config.augment, 28
    affine = RandomAffine(
        degrees=settings.rotation,
        translate=(settings.shift / side, settings.shift / side),
        scale=(1 - settings.scale, 1 + settings.scale, 1 - settings.scale, 1 + settings.scale),
        shear=45 * settings.shear,
        p=1.0,
    )
    smooth = (settings.smoothness, settings.smoothness)
    elastic = RandomElasticTransform(kernel_size=(27, 27), sigma=smooth, alpha=(1.0, 1.0), p=1.0)
    data = build_data(config, config.data.block_size)
    data.augment = None
    loader = data.train_dataloader()

    def run() -> None:
        for block in loader:
            for batch in block:
                elastic(affine(batch.images.view(-1, 1, side, side)))

    return run


def seconds(run: Callable[[], None]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    distorted = composed("experiment=record")
    plain = composed("experiment=record", "augment=none")
    torch.set_num_threads(THREADS)
    tasks = {"only distortions": images_only(distorted), "only plain batches": images_only(plain)}
    try:
        tasks["only kornia's distortions"] = kornia_only(distorted)
    except ImportError:
        print("kornia is not installed: left out")
    times = defaultdict(list)
    for _ in range(rounds):
        for name, config in (("epoch with distortions", distorted), ("epoch without", plain)):
            times[name] += this_project(config, build_data(config, config.data.block_size), 3)
        for name, run in tasks.items():
            times[name].append(seconds(run))
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in medians.items():
        print(f"{name:<28}{median:7.2f} s")
    print(f"a distorted epoch / a plain one: {medians['epoch with distortions'] / medians['epoch without']:.2f}")


if __name__ == "__main__":
    main()

"""What torch or Lightning would take, but a training here cannot do, with the reason."""

from collections.abc import Callable
from typing import Any

BASE_CLASSES = ("BaseFinetuning", "BasePredictionWriter", "Callback", "Checkpoint", "LambdaCallback", "ProgressBar")
AVERAGES = ("EMAWeightAveraging", "StochasticWeightAveraging", "WeightAveraging")
CALLBACKS = {
    **dict.fromkeys(BASE_CLASSES, "it does nothing by itself; a subclass of one's own belongs in mnist_mlp/own"),
    **dict.fromkeys(AVERAGES, "the average would not be what is kept and tested; average=ema is"),
    "BackboneFinetuning": "it needs a network with a part called backbone; init=RUN starts from a trained one",
    "BatchSizeFinder": "a run keeps the batch size that it was begun with; sweep over data.batch_size=64,128",
    "LearningRateFinder": "a run keeps the rate that it was begun with; sweep over it, or search=optuna",
    "ModelPruning": "a resumed run would be pruned again and not be the same",
    "SpikeDetection": "it cannot be resumed (Lightning forgets its average)",
}
CLASSES = {f"lightning.pytorch.callbacks.{name}": reason for name, reason in CALLBACKS.items()} | {
    "torch.optim.LBFGS": "it goes through each batch several times, as no training step here does",
    "torch.optim.SparseAdam": "it needs sparse gradients, which no layer here has",
}


def is_something(value: Any) -> bool:
    """Tells whether a value is set."""
    return value is not None


# By key: which values, and why.
VALUES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "trainer.barebones": (bool, "it forbids the log and the checkpoints that a run's folder is made of"),
    "trainer.callbacks": (is_something, "the group callbacks adds some"),
    "trainer.plugins": (is_something, "the checkpoints' and the processes' are set here"),
    "trainer.enable_checkpointing": (lambda value: value is False, "the best epoch's checkpoint is what is tested"),
    "trainer.default_root_dir": (is_something, "hydra.run.dir=FOLDER says where a run lies"),
    "trainer.use_distributed_sampler": (lambda value: value is False, "each process gets its part of every batch"),
    "trainer.limit_train_batches": (lambda value: value is not None and not value, "nothing would be trained"),
    "trainer.limit_test_batches": (is_something, "all test images are used, once"),
    "trainer.limit_predict_batches": (is_something, "a training predicts nothing"),
    "trainer.strategy": (
        lambda value: str(value).endswith(("spawn", "fork", "notebook")),
        "trainer=ddp starts the processes of a training itself",
    ),
}

import math

import pytest
import torch
from hydra.utils import instantiate
from lightning import Trainer
from lightning.pytorch.callbacks import Callback, Checkpoint
from support.commands import composed
from torch import nn

from mnist_mlp.data import batches
from mnist_mlp.data.batches import Batch
from mnist_mlp.data.module import DigitsDataModule
from mnist_mlp.data.randomness import seed_for
from mnist_mlp.errors import InputError
from mnist_mlp.model.losses import outlier_exposure
from mnist_mlp.model.mlp import MLP
from mnist_mlp.strokes.non_digits import non_digits
from mnist_mlp.training.build import build_block_size, build_classifier
from mnist_mlp.training.classifier import Classifier


def ready(config) -> DigitsDataModule:
    module = instantiate(config.data)
    module.prepare_data()
    module.setup()
    return module


def trained(mnist_root, *overrides, **trainer_settings):
    """Returns a classifier after two epochs, and its trainer."""
    config = composed(f"data.root={mnist_root}", "data.batch_size=50", "model.hidden_sizes=[16]", *overrides)
    config.data.block_size, _ = build_block_size(config, trainer_settings.get("callbacks", []))
    module = ready(config)
    classifier = build_classifier(config, module)
    settings = {"max_epochs": 2, "accelerator": "cpu", "logger": False, "enable_checkpointing": False}
    settings |= {"enable_progress_bar": False, "enable_model_summary": False, "num_sanity_val_steps": 0}
    trainer = Trainer(**settings | trainer_settings)
    trainer.fit(classifier, module)
    return classifier, trainer


def weights(classifier) -> torch.Tensor:
    return nn.utils.parameters_to_vector(classifier.network.parameters()).detach()


def test_is_the_bare_loop(mnist_root):
    """The same numbers as a plain PyTorch loop over the same batches."""
    classifier, trainer = trained(mnist_root, "optimizer=sgd", "optimizer.lr=0.5", "model.dropout=0.2")

    config = composed(f"data.root={mnist_root}", "data.batch_size=50", "model.hidden_sizes=[16]", "model.dropout=0.2")
    module = ready(config)
    network = build_classifier(config, module).network
    optimizer = torch.optim.SGD(network.parameters(), lr=0.5, fused=True)
    loader, dropout = module.train_dataloader(), network[2]
    for epoch in range(2):
        dropout.reseed(seed_for("dropout", 0, epoch, 0, list(network.modules()).index(dropout)))
        loader.sampler.set_epoch(epoch)
        losses, correct = 0.0, 0
        for images, labels, _ in (batch for block in loader for batch in block):
            optimizer.zero_grad()
            logits = network(images)
            loss = nn.functional.cross_entropy(logits, labels)
            loss.backward()
            optimizer.step()
            losses += loss.item() * len(labels)
            correct += (logits.argmax(1) == labels).sum().item()

    assert torch.equal(weights(classifier), nn.utils.parameters_to_vector(network.parameters()))
    assert trainer.callback_metrics["train_loss"].item() == pytest.approx(losses / 512, rel=1e-5)
    assert trainer.callback_metrics["train_accuracy"].item() == pytest.approx(correct / 512)
    assert trainer.global_step == 2 * 11
    network.eval()
    images, labels = module.parts["val"]
    assert trainer.callback_metrics["val_accuracy"].item() == pytest.approx(
        (network(images / 255).argmax(1) == labels).float().mean().item()
    )


def test_same_seed_same_weights_other_seed_others(mnist_root):
    first, same, other = (weights(trained(mnist_root, f"seed={seed}")[0]) for seed in (0, 0, 1))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("settings", [{"limit_val_batches": 0}, {"check_val_every_n_epoch": 2}])
def test_validation_does_not_change_the_training(mnist_root, settings):
    assert torch.equal(weights(trained(mnist_root)[0]), weights(trained(mnist_root, **settings)[0]))


@pytest.mark.parametrize("loss", ["cross_entropy", "mse", "bce"])
@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam", "adamw"])
def test_every_optimizer_lowers_every_loss(mnist_root, optimizer, loss):
    rate = "optimizer.lr=0.5" if optimizer == "sgd" else "optimizer.lr=0.005"
    losses = []

    class Losses(Checkpoint):  # Lightning calls these when the classifier has logged
        def on_train_epoch_end(self, trainer, module) -> None:
            losses.append(trainer.callback_metrics["train_loss"].item())

    settings = [f"optimizer={optimizer}", f"loss={loss}", rate]
    trained(mnist_root, *settings, max_epochs=5, callbacks=[Losses()], enable_checkpointing=True)
    assert len(losses) == 5
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("scheduler", ["cosine", "one_cycle", "warmup_cosine"])
def test_a_schedule_covers_the_whole_run(mnist_root, scheduler):
    rates = []

    class Rates(Callback):
        def on_before_optimizer_step(self, trainer, module, optimizer) -> None:
            rates.append(optimizer.param_groups[0]["lr"])

    trained(mnist_root, f"scheduler={scheduler}", "optimizer.lr=0.1", callbacks=[Rates()])
    assert len(rates) == 2 * 11
    assert 0.09 < max(rates) <= 0.1
    assert rates[-1] < 0.002


def test_the_average_is_what_is_validated(mnist_root):
    """It is the moving average of the weights after every step, and does not change the training."""
    settings = ["optimizer=sgd", "optimizer.lr=0.5"]
    steps = []

    class Steps(Callback):
        def on_before_optimizer_step(self, trainer, module, optimizer) -> None:
            steps.append(weights(module))  # before the step that follows

    averaging, trainer = trained(mnist_root, *settings, "average=ema", "average.decay=0.8", callbacks=[Steps()])
    assert torch.equal(weights(averaging), weights(trained(mnist_root, *settings)[0]))
    average = steps[1]
    for count, step in enumerate([*steps[2:], weights(averaging)], start=1):
        kept = min(0.8, (1 + count) / (10 + count))
        average = kept * average + (1 - kept) * step
    trained_weights = nn.utils.parameters_to_vector(averaging.trained.parameters())
    assert torch.allclose(trained_weights, average, atol=1e-6)
    images, labels = trainer.datamodule.parts["val"]
    right = (averaging.trained(images / 255).argmax(1) == labels).float().mean().item()
    assert trainer.callback_metrics["val_accuracy"].item() == pytest.approx(right)


def test_batch_normalisation_is_averaged_too(mnist_root):
    settings = ["model.batch_norm=true", "average=ema", "average.decay=0.9"]
    classifier, _ = trained(mnist_root, *settings)
    last, average = (network[1].running_mean for network in (classifier.network, classifier.trained))
    assert average.abs().sum() > 0
    assert not torch.allclose(last, average)


def test_a_clipped_gradient_is_no_longer_than_asked(mnist_root):
    """One step of plain SGD moves the weights by the rate times the gradient."""
    settings = ["optimizer=sgd", "optimizer.lr=1", "data.batch_size=1000", "trainer.gradient_clip_val=0.01"]
    before = weights(trained(mnist_root, *settings, "optimizer.lr=1e-30", max_epochs=1)[0])
    moved = weights(trained(mnist_root, *settings, max_epochs=1)[0]) - before
    assert moved.norm().item() == pytest.approx(0.01, rel=1e-4)


class Watching(Callback):
    """Has a hook that only Lightning's own steps call: with it the classifier takes them."""

    def __init__(self) -> None:
        self.steps = 0

    def on_before_optimizer_step(self, trainer, module, optimizer) -> None:
        self.steps += 1


def test_lightnings_own_steps_give_the_same_run(mnist_root):
    watching = Watching()
    plain, plain_trainer = trained(mnist_root)
    watched, watched_trainer = trained(mnist_root, callbacks=[watching])
    assert torch.equal(weights(plain), weights(watched))
    assert plain_trainer.global_step == watched_trainer.global_step == watching.steps == 2 * 11


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_blocks_change_nothing(mnist_root, few_drawings, precision):
    """Not even in mixed precision, where a cache of cast weights would keep them as they were at a block's start."""
    settings = ["optimizer=sgd", "optimizer.lr=0.5", "scheduler=cosine", "average=ema", "data.outliers=0.1"]
    blocks, fast_trainer = trained(mnist_root, *settings, precision=precision)
    plain, plain_trainer = trained(mnist_root, *settings, "data.block_size=1", precision=precision)
    assert (blocks.automatic_optimization, plain.automatic_optimization) == (False, True)
    assert torch.equal(weights(blocks), weights(plain))
    assert torch.equal(*(torch.cat([w.flatten() for w in c.average.parameters()]) for c in (blocks, plain)))
    assert fast_trainer.global_step == plain_trainer.global_step == 2 * 11
    for name, value in plain_trainer.callback_metrics.items():
        assert fast_trainer.callback_metrics[name].item() == pytest.approx(value.item(), rel=1e-6)


def test_images_that_are_no_digit_teach_to_be_unsure_of_them(mnist_root, few_drawings):
    def confidence(*overrides):
        classifier, _ = trained(mnist_root, *overrides, max_epochs=5)
        with torch.inference_mode():
            return classifier(batches.normalized(non_digits(200, 1))).softmax(1).amax(1).mean()

    assert confidence("data.outliers=0.5") < 0.7 * confidence()


def test_nothing_is_less_sure_than_equal_probabilities():
    equal, sure = torch.zeros(3, 10), torch.eye(3, 10)
    assert outlier_exposure(equal) == pytest.approx(3 * math.log(10))
    assert outlier_exposure(sure) > outlier_exposure(equal)


def test_a_strangers_checkpoint_names_only_what_may_be_constructed(tmp_path):
    schedulers = [{"_target_": "torch.optim.lr_scheduler.ConstantLR"}, {"_target_": "os.system", "command": "reboot"}]
    settings = {"scheduler._target_": "torch.optim.lr_scheduler.SequentialLR", "scheduler.schedulers": schedulers}
    checkpoint = {"callbacks": {}, "state_dict": {}, "hyper_parameters": settings}
    torch.save(checkpoint, tmp_path / "last.ckpt")
    with pytest.raises(InputError, match=r"^scheduler\.schedulers\[1\]\._target_=os\.system: not something"):
        Classifier.load_from_checkpoint(tmp_path / "last.ckpt")


def test_a_checkpoint_without_settings_is_said_to_have_none(tmp_path):
    torch.save({"callbacks": {}, "state_dict": {}}, tmp_path / "last.ckpt")
    with pytest.raises(InputError, match=r"last\.ckpt: keeps no settings to build a classifier from"):
        Classifier.load_from_checkpoint(tmp_path / "last.ckpt")


def test_a_process_without_a_validation_image_leaves_the_loss_a_number():
    classifier = Classifier(MLP([4]))
    for images in (torch.rand(3, 784), torch.rand(0, 784)):
        classifier.validation_step(Batch(images, torch.zeros(len(images), dtype=torch.long)), 0)
    assert classifier.val_metrics["loss"].compute().isfinite()

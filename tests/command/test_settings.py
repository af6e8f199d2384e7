import pytest
from omegaconf import open_dict
from support.commands import PROJECT, composed

from mnist_mlp.command.settings import check
from mnist_mlp.errors import InputError


@pytest.mark.parametrize(
    "group", ["model", "optimizer", "scheduler", "loss", "data", "trainer", "experiment", "augment", "average"]
)
def test_every_option_of_every_group_is_valid(group):
    options = [path.stem for path in (PROJECT / "conf" / group).glob("*.yaml")]
    assert len(options) >= 2
    needed = {"folder": ["data.root=x"], "learn": ["init=x", "data.extra=x"], "own": ["data.extra=x"]}
    for option in options:
        check(composed(f"{group}={option}", *needed.get(option, [])))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed=-1", "seed=-1: must be an integer, at least 0"),
        ("seed=1.5", "seed=1.5: must be an integer"),
        ("model.hidden_sizes=[0]", "model.hidden_sizes=[0]: must be a list of integers"),
        ("model.hidden_sizes=512", "model.hidden_sizes=512: must be a list"),
        ("model.activation=swish", "must be one of relu, tanh, sigmoid, gelu"),
        ("model.dropout=1", "model.dropout=1: must be a number in [0, 1)"),
        ("model.dropout=-0.1", "model.dropout=-0.1"),
        ("model.dropout=true", "model.dropout=True"),
        ("optimizer.lr=0", "optimizer.lr=0: must be a number above 0"),
        ("optimizer.lr=nan", "optimizer.lr=nan"),
        ("optimizer.lr=fast", "optimizer.lr=fast"),
        ("data.batch_size=0", "data.batch_size=0: must be an integer, at least 1"),
        ("data.val_fraction=0", "data.val_fraction=0: must be a number in (0, 1)"),
        ("data.val_fraction=1", "data.val_fraction=1"),
        ("data.fallback=cifar", "data.fallback=cifar: must be one of digits, or null"),
        ("data=folder", "data.root is missing"),
        ("trainer.max_epochs=0", "trainer.max_epochs=0: must be an integer, at least 1"),
        ("trainer.devices=0", "trainer.devices=0"),
        ("trainer.gradient_clip_val=0", "trainer.gradient_clip_val=0: must be a number above 0, or null"),
        ("loss.label_smoothing=1", "loss.label_smoothing=1: must be a number in [0, 1)"),
        ("+augment.rotation=1", "augment: nothing is chosen of it; there are augment=distort and augment="),
        ("~augment", "augment: nothing is chosen of it"),
        ("ablation=elastic", "augment: nothing is chosen of it"),
        ("augment=distort augment.rotation=-1", "augment.rotation=-1: must be a number from 0 to 180"),
        ("augment=distort augment.smoothness=0.5", "augment.smoothness=0.5: must be a number from 1 to 28"),
        ("data.hands=0", "data.hands=0: must be a number in (0, 1], or null"),
        ("data.outliers=2", "data.outliers=2: must be a number from 0 to 1"),
        ("average=ema average.decay=1", "average.decay=1: must be a number in (0, 1)"),
        ("scheduler=warmup_cosine scheduler.warmup=1", "scheduler.warmup=1: must be a number in [0, 1)"),
        ("scheduler=one_cycle scheduler.pct_start=0", "scheduler.pct_start=0: must be a number in (0, 1)"),
        ("augment=own", "augment.only_own=true: of no effect without data.extra=FOLDER"),
        ("optimizer=nesterov optimizer.momentum=1", "optimizer.momentum=1: must be a number in [0, 1)"),
        ("average=ema average._target_=os.system", "average._target_=os.system: not something that average may be"),
        ("checkpoint=nowhere.ckpt", "checkpoint=nowhere.ckpt: no such file"),
        ("+model.dropot=0.3", "model.dropot: MLP has no dropot; did you mean model.dropout?"),
        ("+epochs=3", "unknown key epochs"),
        ("~model.hidden_sizes", "model.hidden_sizes is missing: it must be a list of integers"),
        ("+callbacks.mine.patience=1", "callbacks.mine: nothing is chosen of it; there are callbacks=early_stopping"),
        ("experiment=learn data.extra=my_digits", "init: must be typed: the run to start from"),
        ("experiment=learn init=run", "data.extra: must be typed: the folder of own digits"),
        ("optimizer.betas=[0.9]", "optimizer.betas=[0.9]: must be a list of 2 numbers"),
        ("+optimizer.betas_=1", "Adam has no betas_; did you mean optimizer.betas?"),
        ("+trainer.limit_trian_batches=1", "did you mean trainer.limit_train_batches?"),
        ("optimizer.lr=${rate}", "optimizer.lr: Interpolation key 'rate' not found"),
        ("optimizer.lr=???", "optimizer.lr"),
    ],
)
def test_names_the_key_that_is_wrong(override, message):
    with pytest.raises(InputError) as caught:
        check(composed(*override.split()))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_arguments_of_the_chosen_class_are_open():
    config = composed(
        "optimizer=sgd", "optimizer.momentum=0.9", "+optimizer.nesterov=true", "+trainer.log_every_n_steps=5"
    )
    check(config)


def test_a_loss_without_label_smoothing():
    check(composed("loss._target_=torch.nn.MultiMarginLoss", "~loss.label_smoothing"))


def test_keys_that_a_config_file_misspells_are_found():
    config = composed()
    with open_dict(config):
        config.data.batchsize = 64
    with pytest.raises(InputError, match="data.batchsize: .* did you mean data.batch_size"):
        check(config)

"""init=RUN: the run's model becomes part of what is typed."""

import pytest
from support.commands import assert_one_error_line, composed, train_here
from support.runs import perceptron, save_run

from mnist_mlp.command.start import with_start
from mnist_mlp.errors import InputError

MODEL = {"_target_": "mnist_mlp.model.mlp.MLP", "hidden_sizes": [64, 32], "activation": "relu", "dropout": 5e-05}
MODEL |= {"batch_norm": True}


@pytest.fixture
def run(tmp_path):
    return save_run(tmp_path / "a run", perceptron(), config={"model": MODEL}, choices={"model": "mlp"})


def init(run):
    return f"init='{run.path}'"


@pytest.mark.parametrize(
    "arguments", [["seed=1"], ["init=null"], ["init=gone", "resume=x"], ["init=x", "checkpoint=x"]]
)
def test_other_commands_stay_as_they_are(arguments):
    assert with_start(arguments) == arguments


@pytest.mark.parametrize("typed", [[], ["experiment=perceptron"], ["experiment=record"]])
def test_the_model_is_the_runs(run, typed):
    config = composed(*with_start([*typed, init(run)]))
    assert dict(config.model) == MODEL
    assert config.init == str(run.path)


def test_a_checkpoint_stands_for_its_run(run):
    assert dict(composed(*with_start([f"init='{run.last}'"])).model) == MODEL


def test_what_is_typed_of_the_model_stays(run):
    assert composed(*with_start([init(run), "model.dropout=0.5"])).model == MODEL | {"dropout": 0.5}
    assert with_start([init(run), "model=wide"]) == [init(run), "model=wide"]


def test_a_sweep_over_runs_needs_one_model(run, tmp_path):
    other = save_run(tmp_path / "other", perceptron(), config={"model": MODEL | {"hidden_sizes": []}})
    same = save_run(tmp_path / "same", perceptron(), config={"model": MODEL}, choices={"model": "mlp"})
    assert "++model.hidden_sizes=[64, 32]" in with_start(["-m", f"init='{run.path}','{same.path}'"])
    with pytest.raises(InputError, match="different models"):
        with_start(["-m", f"init='{run.path}','{other.path}'"])


def test_no_run_is_one_line_before_torch(tmp_path):
    result = train_here(tmp_path, "init=nowhere")
    assert_one_error_line(result, "init=nowhere: no run is there")
    assert result.stdout == ""


def test_a_run_without_settings_says_nothing_of_the_model(run):
    run.config_yaml.unlink()
    assert with_start([init(run)]) == [init(run)]


PLAIN = {"augment": {}, "loss": {"label_smoothing": 0.0}, "data": {"outliers": 0.0, "hands": None}}
RICH = {"augment": {"_target_": "mnist_mlp.data.distortions.Distort"}, "loss": {"label_smoothing": 0.05}}
RICH |= {"data": {"outliers": 0.25, "hands": 0.4}}


@pytest.mark.parametrize("recipe, left_out", [(PLAIN, True), (RICH, False)])
def test_learning_leaves_out_what_the_run_was_trained_without(tmp_path, recipe, left_out):
    run = save_run(tmp_path / "run", perceptron(), config={"model": MODEL, **recipe}, choices={"model": "mlp"})
    config = composed(*with_start(["experiment=learn", init(run), "data.extra=mine"]))
    assert config.augment.get("only_own", False) == left_out
    assert (config.data.outliers == 0, config.data.hands is None) == (left_out, left_out)
    assert (config.loss.label_smoothing == 0) == left_out
    assert "augment=own" not in with_start([init(run), "data.extra=mine"])  # only experiment=learn does


def test_a_run_that_distorted_own_digits_alone_learns_so_again(tmp_path):
    recipe = RICH | {"augment": {"_target_": "mnist_mlp.data.distortions.Distort", "only_own": True}}
    run = save_run(tmp_path / "run", perceptron(), config={"model": MODEL, **recipe}, choices={"model": "mlp"})
    assert "augment=own" in with_start(["experiment=learn", init(run), "data.extra=mine"])


def test_what_is_typed_of_the_recipe_stays(tmp_path):
    run = save_run(tmp_path / "run", perceptron(), config={"model": MODEL, **PLAIN}, choices={"model": "mlp"})
    typed = ["experiment=learn", init(run), "data.extra=mine", "augment=distort", "data.outliers=0.1"]
    config = composed(*with_start(typed))
    assert (config.data.outliers, config.augment.get("only_own", False)) == (0.1, False)
    assert "loss.label_smoothing=0" not in with_start([*typed, "loss=mse"])


def test_a_sweep_of_learning_needs_one_recipe(run, tmp_path):
    other = save_run(tmp_path / "other", perceptron(), config={"model": MODEL, **RICH}, choices={"model": "mlp"})
    runs = f"init='{run.path}','{other.path}'"
    assert with_start(["-m", runs, "seed=1"])
    with pytest.raises(InputError, match="different models or recipes"):
        with_start(["-m", "experiment=learn", runs, "data.extra=mine"])

import json
import os
import shutil
import subprocess
from dataclasses import asdict

import pytest
from support.commands import PROJECT, composed, train_here, train_py
from support.ranks import die, fail_in_the_second, rank_and_count, train_with_few_drawings

from mnist_mlp.errors import InputError
from mnist_mlp.runs.folder import RunFolder, State
from mnist_mlp.runs.metrics import Metrics
from mnist_mlp.training import run as training
from mnist_mlp.training.ranks import run_in_processes


def test_gives_what_the_first_gives():
    assert run_in_processes(2, rank_and_count, "word") == ("word", 0, 2)


def test_ends_with_the_first_that_fails():
    with pytest.raises(InputError, match="no such file"):
        run_in_processes(2, fail_in_the_second, None)


def test_ends_where_one_is_killed():
    with pytest.raises(RuntimeError, match="was killed"):
        run_in_processes(2, die, None)


def test_more_processes_than_the_machine_has_cores_are_refused(tmp_path):
    with pytest.raises(InputError, match="trainer.devices=1000: this machine has"):
        training.train(composed("data=digits", "trainer.devices=1000"), tmp_path)


@pytest.mark.parametrize(
    "options", [[], ["augment=handwriting", "average=ema", "trainer.gradient_clip_val=0.5", "data.outliers=0.3"]]
)
def test_two_processes_train_what_one_does(tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    settings = [*options, "data=digits", "model=mlp", "data.batch_size=47", "trainer.max_epochs=2"]
    one, two = RunFolder(tmp_path / "one"), RunFolder(tmp_path / "two")
    train_with_few_drawings(composed(*settings, "trainer=cpu"), one.path)
    config = composed(*settings, "trainer=ddp", "trainer.accelerator=cpu")
    assert run_in_processes(2, train_with_few_drawings, config, two.path) == two.metrics
    expected, found = (numbers(run.metrics) for run in (one, two))
    assert found == pytest.approx(expected, rel=1e-4)
    files = [sorted(path.name for path in run.path.rglob("*") if "tfevents" not in path.name) for run in (one, two)]
    assert files[0] == files[1]
    assert len(list(two.path.rglob("*tfevents*"))) == len(list(one.path.rglob("*tfevents*")))
    assert {path.name for path in tmp_path.iterdir()} == {"one", "two"}


def numbers(metrics: Metrics) -> dict[str, float]:
    """Returns the numbers that do not depend on the machine."""
    values = {key: value for key, value in asdict(metrics).items() if key != "fit_seconds"}
    return {key: value for key, value in values.items() if isinstance(value, (int, float))}


def test_train_py_starts_the_processes_that_it_needs(tmp_path):
    settings = ["data=digits", "model=mlp", "trainer=ddp", "trainer.accelerator=cpu", "trainer.max_epochs=1"]
    result = train_here(tmp_path, *settings, "hydra.run.dir=run")
    assert result.returncode == 0, result.stderr
    assert RunFolder(tmp_path / "run").state == State.FINISHED
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.slow
def test_a_sweep_of_trainings_in_two_processes(tmp_path, mnist_root):
    arguments = ["-m", "seed=0,1", "trainer=ddp", "trainer.accelerator=cpu", "model=mlp", "trainer.max_epochs=2"]
    result = train_py(tmp_path, *arguments, "hydra.sweep.dir=s", MNIST_ROOT=str(mnist_root))
    assert result.returncode == 0, result.stderr
    assert {path.parent.name for path in tmp_path.glob("s/*/metrics.json")} == {"seed=0", "seed=1"}
    assert result.stdout.count("test accuracy") == 3  # a line a job, the head of the table


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("ip"), reason="network namespaces need root and iproute2")
def test_two_hosts(tmp_path):
    arguments = ["data=digits", "model=mlp", "trainer.max_epochs=2", "hydra.run.dir=two"]
    result = subprocess.run(
        [PROJECT / "tests/end_to_end/two_hosts.sh", *arguments], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["two"]
    assert json.loads((tmp_path / "two/metrics.json").read_text())["epochs"] == 2

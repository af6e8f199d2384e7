import json
import os
import shutil
import subprocess

import pytest
from support.commands import PROJECT, composed, train_py
from support.ranks import die, fail_in_the_second, rank_and_count

from mnist_mlp.errors import InputError
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
def test_two_processes_train_what_one_does(tmp_path, options):
    arguments = [
        *options,
        "data=digits",
        "trainer.accelerator=cpu",
        "model=mlp",
        "data.batch_size=47",
        "trainer.max_epochs=2",
    ]
    for name, trainer in (("one", []), ("two", ["trainer=ddp"])):
        result = train_py(tmp_path, *arguments, *trainer, f"hydra.run.dir={name}")
        assert result.returncode == 0, result.stderr
    one, two = (json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("one", "two"))
    for metrics in (one, two):
        del metrics["fit_seconds"], metrics["data"], metrics["classes"]
    assert two == pytest.approx(one, rel=1e-4)
    files = [sorted(p.name for p in (tmp_path / run).rglob("*") if "tfevents" not in p.name) for run in ("one", "two")]
    assert files[0] == files[1]
    assert [len(list((tmp_path / "two").rglob("*tfevents*")))] == [len(list((tmp_path / "one").rglob("*tfevents*")))]
    assert list(tmp_path.glob("outputs")) == []


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

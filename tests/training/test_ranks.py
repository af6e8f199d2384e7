import json
import os
import shutil
import subprocess
from dataclasses import asdict

import pytest
from support.commands import PROJECT, composed, train_here, train_py
from support.ranks import die, fail_in_the_second, rank_and_count, train_with_few_drawings

from mnist_mlp.errors import InputError
from mnist_mlp.runs.folder import RunFolder
from mnist_mlp.runs.metrics import Metrics
from mnist_mlp.training import run as training
from mnist_mlp.training.ranks import VARIABLES, forget_cluster, is_rank, run_in_processes


def test_gives_what_the_first_gives():
    assert run_in_processes(2, rank_and_count, "word") == ("word", 0, 2)


def test_ends_with_the_first_that_fails():
    with pytest.raises(InputError, match="no such file"):
        run_in_processes(2, fail_in_the_second, None)


def test_ends_where_one_is_killed():
    with pytest.raises(InputError, match="a process of this training was ended by SIGKILL"):
        run_in_processes(2, die, None)


OF_A_CLUSTER = {"RANK": "1", "LOCAL_RANK": "0", "WORLD_SIZE": "", "MASTER_PORT": "x", "NODE_RANK": "3"}
OF_A_CLUSTER |= {"MASTER_ADDR": "nowhere", "SLURM_PROCID": "1", "SLURM_NTASKS": "2", "SLURM_JOB_NAME": "train"}
OF_TORCHRUN = {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2", "MASTER_PORT": "29500", "TORCHELASTIC_RUN_ID": "none"}


@pytest.mark.parametrize(
    ("variables", "is_one"),
    [
        ({}, False),
        (OF_A_CLUSTER, False),
        (OF_A_CLUSTER | {"TORCHELASTIC_RUN_ID": "7"}, False),
        (OF_TORCHRUN, True),
        *((OF_TORCHRUN | {name: ""}, False) for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_PORT")),
    ],
)
def test_only_torchruns_processes_are_ranks(monkeypatch, variables, is_one):
    monkeypatch.setattr(os, "environ", dict(variables))
    forget_cluster()
    assert is_rank() == is_one
    assert bool(set(VARIABLES) & os.environ.keys()) == is_one


def test_torchrun_with_another_number_of_processes(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "environ", os.environ | OF_TORCHRUN)
    with pytest.raises(InputError, match="torchrun has started 2 processes, but trainer.devices times .* is 1"):
        training.train(composed("data=digits"), tmp_path)


def test_more_processes_than_the_machine_has_cores_are_refused(tmp_path):
    with pytest.raises(InputError, match="trainer.devices=1000: this machine has"):
        training.train(composed("data=digits", "trainer.devices=1000"), tmp_path)


SETTINGS = ["data=digits", "model=mlp", "data.batch_size=47", "trainer.max_epochs=2"]
ALL_OPTIONS = [
    "augment=handwriting",
    "average=ema",
    "trainer.gradient_clip_val=0.5",
    "data.outliers=0.3",
    "data.hands=0.2",
]


def test_the_command_starts_processes_that_train_what_one_does(tmp_path):
    one, two = RunFolder(tmp_path / "one"), RunFolder(tmp_path / "two")
    for run, trainer in ((one, ["trainer=cpu"]), (two, ["trainer=ddp", "trainer.accelerator=cpu"])):
        arguments = [tmp_path, *SETTINGS, *trainer, f"hydra.run.dir={run.path.name}"]
        # each process imports train.py
        result = train_here(*arguments) if run is one else train_py(*arguments, **OF_A_CLUSTER)
        assert result.returncode == 0, result.stderr
    assert result.stdout.count("test accuracy") == 1
    assert_same(one, two)
    assert {path.name for path in tmp_path.iterdir()} == {"one", "two"}


def test_two_processes_train_what_one_does_with_all_options(tmp_path):
    one, two = RunFolder(tmp_path / "one"), RunFolder(tmp_path / "two")
    train_with_few_drawings(composed(*SETTINGS, *ALL_OPTIONS, "trainer=cpu"), one.path)
    config = composed(*SETTINGS, *ALL_OPTIONS, "trainer=ddp", "trainer.accelerator=cpu")
    assert run_in_processes(2, train_with_few_drawings, config, two.path) == two.metrics
    assert_same(one, two)


def assert_same(one: RunFolder, two: RunFolder) -> None:
    """The runs reached the same and left the same files."""
    assert numbers(two.metrics) == pytest.approx(numbers(one.metrics), rel=1e-4)
    files = [sorted(path.name for path in run.path.rglob("*") if "tfevents" not in path.name) for run in (one, two)]
    assert files[0] == files[1]
    events = [len(list(run.path.rglob("*tfevents*"))) for run in (one, two)]
    assert events[0] == events[1]


def numbers(metrics: Metrics) -> dict[str, float]:
    """Returns the numbers that do not depend on the machine."""
    values = {key: value for key, value in asdict(metrics).items() if key != "fit_seconds"}
    return {key: value for key, value in values.items() if isinstance(value, (int, float))}


@pytest.mark.slow
def test_a_sweep_of_trainings_in_two_processes(tmp_path, mnist_root):
    arguments = ["-m", "seed=0,1", "trainer=ddp", "trainer.accelerator=cpu", "model=mlp", "trainer.max_epochs=2"]
    result = train_py(tmp_path, *arguments, "hydra.sweep.dir=s", MNIST_ROOT=str(mnist_root))
    assert result.returncode == 0, result.stderr
    assert {path.parent.name for path in tmp_path.glob("s/*/metrics.json")} == {"seed=0", "seed=1"}
    for line in ("2 jobs in s", "seed=0  validation", "seed=1  validation"):  # the children begin no sweep of their own
        assert result.stdout.count(line) == 1


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

import pytest
from omegaconf import OmegaConf

from mnist_mlp.errors import InputError
from mnist_mlp.resume import continued


@pytest.fixture
def sweep(tmp_path):
    """A sweep over dropout (from a study's file) and seeds (typed), and its folder."""
    folder = tmp_path / "it's = odd"
    folder.mkdir()
    hydra = {
        "overrides": {
            "hydra": ["hydra.mode=MULTIRUN"],
            "task": ["study=dropout", "seed=0,1", "trainer.max_epochs=3", "launcher=slurm"],
        },
        "sweeper": {"params": {"model.dropout": "0,0.5"}},
    }
    OmegaConf.save(OmegaConf.create({"hydra": hydra}), folder / "multirun.yaml")
    return folder


def begun(folder):
    return ["hydra.mode=MULTIRUN", "study=dropout", "seed=0,1", "trainer.max_epochs=3", "launcher=slurm"]


def end(folder):
    path = str(folder).replace("'", "\\'")
    return [f"hydra.sweep.dir='{path}'"]


def test_other_commands_stay_as_they_are():
    assert continued(["-m", "seed=0,1", "seed=2"]) == ["-m", "seed=0,1", "seed=2"]


@pytest.mark.parametrize("again", [[], ["study=dropout"], ["trainer.max_epochs=3", "seed=0,1"]])
def test_a_sweep_needs_no_more_than_its_folder(sweep, again):
    assert continued([*again, f"resume={sweep}"]) == begun(sweep) + end(sweep)


def test_a_sweep_takes_more_values_of_what_it_varies_and_another_launcher(sweep):
    arguments = continued(["seed=0,1,2", "model.dropout=0,0.3", "launcher=parallel", f"resume={sweep}"])
    assert {"seed=0,1,2", "model.dropout=0,0.3", "launcher=parallel"} < set(arguments)
    assert not {"seed=0,1", "launcher=slurm"} & set(arguments)


@pytest.mark.parametrize(
    ("typed", "had"),
    [
        ("trainer.max_epochs=5", "begun with trainer.max_epochs=3"),
        ("seed=2", "begun with seed=0,1"),
        ("model.dropout=0.1", "begun with model.dropout=0,0.5"),
        ("optimizer=sgd,adam", "begun without optimizer"),
        ("study=width", "begun with study=dropout"),
    ],
)
def test_a_sweep_of_other_jobs_is_refused(sweep, typed, had):
    with pytest.raises(InputError, match=f"^{typed}: .*{had}"):
        continued([typed, f"resume={sweep}"])


def test_a_run_is_continued_from_its_last_checkpoint(tmp_path):
    run = tmp_path / "it's = odd"
    (run / "checkpoints").mkdir(parents=True)
    (run / "checkpoints/last.ckpt").touch()
    (run / ".hydra").mkdir()
    (run / ".hydra/overrides.yaml").write_text("- model=mlp\n")
    path = str(run).replace("'", "\\'")
    told = [f"hydra.run.dir='{path}'", "hydra.output_subdir=null"]
    assert continued([f"resume={run}", "trainer.max_epochs=9"]) == [
        "model=mlp",
        *told,
        f"checkpoint='{path}/checkpoints/last.ckpt'",
        "trainer.max_epochs=9",
    ]
    checkpoint = f"checkpoint={run}/checkpoints/last.ckpt"
    assert continued([checkpoint]) == ["model=mlp", *told, checkpoint]


def test_nothing_to_continue(tmp_path):
    with pytest.raises(InputError, match="neither a run's folder.* nor a sweep's"):
        continued([f"resume={tmp_path}"])

import pytest
from omegaconf import OmegaConf
from support.runs import save_run

from mnist_mlp.command.resume import continued, slurm_mark
from mnist_mlp.errors import InputError


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
    assert continued(["--cfg", "job", f"resume={sweep}"]) == [*begun(sweep), "--cfg", "job", *end(sweep)]


def test_a_sweep_takes_more_values_of_what_it_varies_and_another_launcher(sweep):
    arguments = continued(["seed=range(1,4)", "model.dropout=0.3", "launcher=parallel", f"resume={sweep}"])
    assert {"seed=0,1,2,3", "model.dropout=0,0.5,0.3", "launcher=parallel"} < set(arguments)
    assert not {"seed=0,1", "launcher=slurm"} & set(arguments)


def test_a_sweep_of_one_seed_takes_more(sweep):
    begun = OmegaConf.load(sweep / "multirun.yaml")
    begun.hydra.overrides.task = ["study=dropout"]
    OmegaConf.save(begun, sweep / "multirun.yaml")
    assert "seed=1,2" in continued(["seed=1,2", f"resume={sweep}"])
    assert "seed=choice(7)" in continued(["seed=7", f"resume={sweep}"])  # a sweep: then the job's name has it


def test_a_value_that_cannot_be_is_refused_before_it_is_the_sweeps(sweep):
    with pytest.raises(InputError, match="^seed=abc: must be an integer"):
        continued(["seed=2,abc", f"resume={sweep}"])


@pytest.mark.parametrize(
    ("typed", "had"),
    [
        ("trainer.max_epochs=5", "begun with trainer.max_epochs=3"),
        ("optimizer=sgd,adam", "begun without optimizer"),
        ("study=width", "begun with study=dropout"),
    ],
)
def test_a_sweep_of_other_jobs_is_refused(sweep, typed, had):
    with pytest.raises(InputError, match=f"^{typed}: .*{had}"):
        continued([typed, f"resume={sweep}"])


def test_a_run_is_continued_from_its_last_checkpoint(tmp_path):
    run = save_run(tmp_path / "it's = odd", {}, overrides=["model=mlp"])
    path = str(run.path).replace("'", "\\'")
    told = [f"hydra.run.dir='{path}'", "hydra.output_subdir=null"]
    assert continued([f"resume={run.path}", "trainer.max_epochs=9"]) == [
        "model=mlp",
        *told,
        f"checkpoint='{path}/checkpoints/last.ckpt'",
        "trainer.max_epochs=9",
    ]


@pytest.mark.parametrize(
    "typed", ["resume={}", "resume={}/", "resume='{}'", "resume=~/run", "resume={}/checkpoints/last.ckpt"]
)
def test_the_ways_to_name_a_run(tmp_path, monkeypatch, typed):
    run = save_run(tmp_path / "run", {}, overrides=["model=mlp"])
    monkeypatch.setenv("HOME", str(tmp_path))
    said = typed.format(run.path)
    expected = ["model=mlp", f"hydra.run.dir='{run.path}'", "hydra.output_subdir=null", f"checkpoint='{run.last}'"]
    assert continued([said]) == expected
    if "ckpt" in said:
        assert continued([said.replace("resume", "checkpoint")]) == expected


def test_a_run_is_not_continued_as_a_sweep(tmp_path):
    save_run(tmp_path / "run", {}, overrides=["model=mlp"])
    with pytest.raises(InputError, match="a run is continued alone, without -m"):
        continued(["-m", f"resume={tmp_path}/run", "seed=0,1"])


def test_a_folder_of_options_must_be_named_again(tmp_path):
    run = save_run(tmp_path, {}, overrides=["optimizer=mine"])
    sources = [{"path": "hydra.conf", "provider": "hydra"}, {"path": "/mine", "provider": "command-line"}]
    hydra = OmegaConf.create({"hydra": {"runtime": {"choices": {}, "config_sources": sources}}})
    OmegaConf.save(hydra, tmp_path / ".hydra/hydra.yaml")
    with pytest.raises(InputError, match="was begun with options in /mine: --config-dir names it again"):
        continued([f"resume={run.path}"])
    assert continued([f"resume={run.path}", "--config-dir", "/mine"])[-2:] == ["--config-dir", "/mine"]


@pytest.mark.parametrize("sweep", ["study=dropout", "search=optuna"])
def test_a_job_of_a_sweep_is_continued_alone(tmp_path, sweep):
    run = save_run(tmp_path, {}, overrides=[sweep, "model.dropout=0.1", "seed=3"])
    assert continued([f"resume={run.path}"])[:4] == [sweep, "model.dropout=0.1", "seed=3", "hydra.mode=RUN"]


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("resume={}", "neither a run's folder.* nor a sweep's"),
        ("resume={}/nowhere", "nowhere: no such folder"),
        ("resume=", "resume=: must be the folder"),
    ],
)
def test_nothing_to_continue(tmp_path, typed, message):
    with pytest.raises(InputError, match=message):
        continued([typed.format(tmp_path)])


def test_a_search_is_continued_as_it_was_begun(sweep):
    begun = OmegaConf.load(sweep / "multirun.yaml")
    begun.hydra.overrides.task = ["search=optuna", "seed=0,1"]
    begun.hydra.overrides.hydra = ["hydra.mode=MULTIRUN", "hydra/sweeper/sampler=random"]
    OmegaConf.save(begun, sweep / "multirun.yaml")
    assert "hydra/sweeper/sampler=random" in continued([f"resume={sweep}", "hydra.sweeper.n_trials=50"])
    with pytest.raises(InputError, match="seed=2: a search is continued as it was begun"):
        continued(["seed=2", f"resume={sweep}"])


def test_a_sweep_of_version_0_1_over_without(sweep):
    begun = OmegaConf.load(sweep / "multirun.yaml")
    begun.hydra.sweeper.params = {"without": "nothing,affine"}
    OmegaConf.save(begun, sweep / "multirun.yaml")
    with pytest.raises(InputError, match="its without= is now ablation=: begin it anew"):
        continued([f"resume={sweep}"])


@pytest.mark.parametrize("content", ["", "[", "[]", "hydra: 1", "hydra: {overrides: {}}", b"\xff"])
def test_a_damaged_sweep(sweep, content):
    (sweep / "multirun.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match="multirun.yaml: "):
        continued([f"resume={sweep}"])


@pytest.mark.parametrize(
    "override",
    [
        "hydra.callbacks.x._target_=os.system",
        "+hydra.callbacks.x._target_=os.system",
        "hydra.launcher.setup=[reboot]",
        "hydra.sweeper.storage=sqlite:////etc/x",
        "hydra.run.dir=/etc",
        "hydra/launcher=other",
        "--config-dir=/etc",
        "logger.csv.save_dir=/etc",
        "+callbacks.x._target_=lightning.pytorch.callbacks.ModelCheckpoint",
        "+callbacks.early_stopping.dirpath=/etc",
        "+callbacks.x={_target_:lightning.pytorch.callbacks.ModelCheckpoint,dirpath:/etc}",
        "callbacks={x:{_target_:lightning.pytorch.callbacks.ModelCheckpoint,dirpath:/etc}}",
    ],
)
def test_a_folder_of_someone_else_runs_nothing_and_writes_nowhere_else(sweep, tmp_path, override):
    begun = OmegaConf.load(sweep / "multirun.yaml")
    begun.hydra.overrides.hydra.append(override)
    OmegaConf.save(begun, sweep / "multirun.yaml")
    for folder in (sweep, save_run(tmp_path / "run", {}, overrides=[override]).path):
        with pytest.raises(InputError, match="is not taken from a folder"):
            continued([f"resume={folder}"])


def test_a_folder_may_choose_callbacks_and_loggers_and_set_what_is_no_place(tmp_path):
    chosen = ["callbacks=[early_stopping,lr_monitor]", "callbacks.early_stopping.patience=3", "logger=csv"]
    run = save_run(tmp_path / "run", {}, overrides=chosen)
    run.last.parent.mkdir(parents=True, exist_ok=True)
    run.last.touch()
    assert continued([f"resume={run.path}"])[:3] == chosen


def test_a_requeued_slurm_job_continues_its_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = save_run(tmp_path / "outputs/day/run", {}, overrides=["model=mlp"])
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    (run.path / slurm_mark()).touch()
    assert continued(["model=mlp"]) == ["model=mlp"]
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert "checkpoint='outputs/day/run/checkpoints/last.ckpt'" in continued(["model=mlp"])
    for name, other in (("SLURM_JOB_ID", "18"), ("SLURM_JOB_ID", "../x"), ("SLURM_RESTART_COUNT", "")):
        monkeypatch.setenv(name, other)
        assert continued(["model=mlp"]) == ["model=mlp"]

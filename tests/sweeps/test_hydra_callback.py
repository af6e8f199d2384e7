import errno
import os
import shlex

import pytest
from hydra import compose, initialize_config_dir
from support.commands import PROJECT, composed

from mnist_mlp.command.settings import check
from mnist_mlp.errors import InputError
from mnist_mlp.runs.folder import SweepFolder
from mnist_mlp.sweeps.hydra_callback import Sweep, count_jobs, each_value_once, exits_on_error, sweep_overrides


@pytest.mark.parametrize("study", sorted(path.stem for path in (PROJECT / "conf/study").glob("*.yaml")))
def test_a_study_varies_at_most_one_thing_and_the_seed(multirun, study):
    config = multirun(f"study={study}")
    assert config.hydra.mode.name == "MULTIRUN"
    overrides = sweep_overrides(config)
    swept = {key: override for key, override in overrides.items() if override.is_sweep_override()}
    fixed = [f"{key}={override.value()}" for key, override in overrides.items() if key not in swept]
    assert "seed" in swept
    assert len(swept) <= 2
    for key, override in swept.items():
        for value in override.sweep_string_iterator():
            check(composed(f"study={study}", *fixed, f"{key}={value}"))


def test_counts_jobs_and_what_is_typed_replaces_a_studys_values(multirun):
    config = multirun("study=dropout")
    assert count_jobs(config, sweep_overrides(config)) == 20
    config.hydra.overrides.task = ["study=dropout", "model.dropout=0.2", "seed=range(3)"]
    assert count_jobs(config, sweep_overrides(config)) == 3


@pytest.mark.parametrize(
    ("typed", "jobs", "instead"),
    [
        ("model=glob(*)", 5, "model=choice(deep,dropout,mlp,perceptron,wide)"),
        ("model=glob([m*,p*])", 2, "model=choice(mlp,perceptron)"),
        ("model=mlp,wide,mlp", 2, "model=choice(mlp,wide)"),
        ("seed=0,0", 1, "seed=choice(0)"),
        ("seed=range(3)", 3, None),
        ("seed=sort(3,1,2,reverse=true)", 3, None),
        ("seed=shuffle(range(4))", 4, None),
        ("model.hidden_sizes=[8],[8,8],[]", 3, None),
        ("data.root='a,b','c d'", 2, None),
        ("model=mlp", 1, None),
    ],
)
def test_the_ways_to_list_values(typed, jobs, instead):
    with initialize_config_dir(str(PROJECT / "conf"), version_base="1.3"):
        config = compose("config", [], return_hydra_config=True)
        config.hydra.overrides.task = [typed]
        overrides = sweep_overrides(config)
        assert count_jobs(config, overrides) == jobs
        assert [each_value_once(override) for override in overrides.values()] == [instead]


def test_an_interval_is_of_a_search(multirun):
    config = multirun("model=mlp")
    config.hydra.overrides.task = ["optimizer.lr=interval(0.1,1)"]
    with pytest.raises(InputError, match="optimizer.lr=interval.0.1,1.: not values that can be listed"):
        count_jobs(config, sweep_overrides(config))


def test_counts_the_jobs_of_a_search(multirun):
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    config = multirun("search=optuna", "hydra.sweeper.n_trials=7")
    assert count_jobs(config, sweep_overrides(config)) == 7
    config.hydra.overrides.task = ["seed=0,1,2"]
    assert count_jobs(config, sweep_overrides(config)) == 21
    for key, others in (("n_trials", 0), ("n_jobs", -2)):
        wrong = multirun("search=optuna", f"hydra.sweeper.{key}={others}")
        with pytest.raises(InputError, match=rf"hydra\.sweeper\.{key}={others}: must be an integer, at least 1"):
            count_jobs(wrong, {})


def raising(error):
    @exits_on_error
    def method():
        raise error

    return method


def test_an_error_that_a_user_can_fix_ends_the_program_with_one_line(capsys):
    with pytest.raises(SystemExit) as exit:
        raising(InputError("study: one\nat a time"))()
    assert exit.value.code == 2
    assert capsys.readouterr().err == "error: study: one at a time\n"


def test_a_bug_ends_the_program_with_a_traceback(capsys):
    with pytest.raises(SystemExit) as exit:
        raising(ZeroDivisionError("bug"))()
    assert exit.value.code == 2
    assert "Traceback" in capsys.readouterr().err


def test_only_one_sweep_runs_in_a_folder(multirun, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("mnist_mlp.sweeps.hydra_callback.atexit.register", lambda function: None)
    first = Sweep()
    first.on_multirun_start(multirun("study=dropout", f"hydra.sweep.dir={tmp_path}"))
    with pytest.raises(SystemExit):
        Sweep().on_multirun_start(multirun("study=dropout", f"hydra.sweep.dir={tmp_path}"))
    first.on_exit()
    assert f"error: {tmp_path}: another sweep is running there" in capsys.readouterr().err
    assert not (tmp_path / ".running").exists()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_costs_a_warning(tmp_path, monkeypatch, capsys, number):
    def no_locks(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", no_locks)
    sweep = Sweep()
    sweep.sweep = SweepFolder(tmp_path)
    sweep.lock_folder()
    warning = f"warning: {tmp_path}/.running: cannot be locked"
    assert warning in capsys.readouterr().err


def test_a_sweep_that_was_stopped_says_how_to_resume(multirun, add_run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("mnist_mlp.sweeps.hydra_callback.atexit.register", lambda function: None)
    sweep = Sweep()
    sweep.on_multirun_start(multirun("study=dropout", f"hydra.sweep.dir={tmp_path}/my sweep"))
    last = add_run(seed=0, sweep="my sweep").last
    last.parent.mkdir()
    last.touch()
    sweep.on_exit()
    said = capsys.readouterr().err
    assert "what is finished is kept; to run the rest:\n" in said
    assert shlex.split(said.splitlines()[-1]) == ["python", "train.py", f"resume={tmp_path}/my sweep"]

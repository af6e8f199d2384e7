import pytest
from support.runs import SCORES, perceptron, save_run

from mnist_mlp.errors import InputError
from mnist_mlp.runs.folder import COLUMNS, RunFolder, State, SweepFolder, read_yaml, runs_below
from mnist_mlp.runs.metrics import Metrics


def row(epoch: int, **values: float | None) -> dict[str, float | None]:
    return dict.fromkeys(COLUMNS) | {"epoch": epoch, "train_loss": 1 / epoch} | values


def test_a_folder_that_is_not_there_is_a_new_run(tmp_path):
    run = RunFolder(tmp_path / "run")
    assert run.state == State.NEW
    assert (run.metrics, run.error, run.rows, run.choices) == (None, None, [], {})
    assert not run.path.exists()


def test_the_state_follows_what_training_writes(tmp_path):
    run = save_run(tmp_path, finished=False)
    assert run.state == State.NEW
    save_run(tmp_path, perceptron(), finished=False)
    assert run.state == State.STARTED
    save_run(tmp_path, error="train_loss became nan", finished=False)
    assert run.state == State.FAILED
    save_run(tmp_path)  # a sweep that was continued leaves the error of before
    assert run.state == State.FINISHED


def test_damaged_metrics_are_those_of_a_run_that_is_not_finished(tmp_path):
    run = save_run(tmp_path, perceptron(), test_accuracy="high")
    assert run.state == State.STARTED
    assert run.metrics is None
    with pytest.raises(InputError, match="metrics.json: test_accuracy: must be a number from 0 to 1"):
        run.read_metrics()


def test_metrics_that_cannot_be_read_are_named(tmp_path):
    run = RunFolder(tmp_path)
    assert run.read_metrics() is None
    run.metrics_json.mkdir()
    with pytest.raises(InputError, match="metrics.json: Is a directory"):
        run.read_metrics()
    assert run.metrics is None
    assert RunFolder(tmp_path / "metrics.json/file/run").read_metrics() is None


def test_metrics_are_read_as_they_were_written(tmp_path):
    metrics = Metrics(**SCORES, classes=["a", "ü"], temperature=0.5, seed=3)
    RunFolder(tmp_path / "new").write_metrics(metrics)
    assert RunFolder(tmp_path / "new").read_metrics() == metrics


def test_rows_leave_out_what_an_epoch_did_not_measure(tmp_path):
    run = save_run(tmp_path, rows=[row(1), row(2, val_accuracy=0.9)])
    assert run.rows == [{"epoch": 1, "train_loss": 1}, {"epoch": 2, "train_loss": 0.5, "val_accuracy": 0.9}]
    assert run.metrics_csv.read_text().splitlines()[0] == ",".join(COLUMNS)


@pytest.mark.parametrize("content", [b"", b"epoch,lr\none,two\n", b"epoch\n1,2\n", b"\xff\xfe\n\xff"])
def test_damaged_rows_are_none(tmp_path, content):
    run = RunFolder(tmp_path)
    run.metrics_csv.write_bytes(content)
    assert run.rows == []


def test_an_error_is_one_line(tmp_path):
    assert save_run(tmp_path, error="out of\n  memory\n").error == "out of memory"
    RunFolder(tmp_path).error_file.write_bytes(b"\xff")
    assert RunFolder(tmp_path).error is None


def test_what_hydra_keeps(tmp_path):
    run = save_run(tmp_path, overrides=["model=mlp"], config={"seed": 0}, choices={"optimizer": "adam"})
    assert (run.overrides, run.config, run.choices) == (["model=mlp"], {"seed": 0}, {"optimizer": "adam"})


@pytest.mark.parametrize("content", [None, b"", b"[", b"text", b"\xff", b"hydra: {runtime: {choices: 3}}"])
def test_damaged_files_of_hydra_are_named_but_choices_may_be_missing(tmp_path, content):
    run = save_run(tmp_path)
    for file in run.config_yaml.parent.iterdir():
        file.unlink() if content is None else file.write_bytes(content)
    with pytest.raises(InputError, match="overrides.yaml: (No such file|damaged)"):
        _ = run.overrides
    assert run.choices == {}
    if content is None or b"hydra" not in content:
        with pytest.raises(InputError, match="config.yaml: (No such file|damaged)"):
            _ = run.config


def test_yaml_of_another_kind_is_damaged(tmp_path):
    (tmp_path / "list.yaml").write_text("- 1\n- 5e-05\n")
    assert read_yaml(tmp_path / "list.yaml", list) == [1, "5e-05"]
    with pytest.raises(InputError, match="list.yaml: damaged: not a dict"):
        read_yaml(tmp_path / "list.yaml", dict)


def test_yaml_makes_no_objects(tmp_path):
    (tmp_path / "code.yaml").write_text(f"!!python/object/apply:os.mkdir [{tmp_path}/made]")
    with pytest.raises(InputError, match="code.yaml: damaged"):
        read_yaml(tmp_path / "code.yaml", dict)
    assert not (tmp_path / "made").exists()


def test_a_sweeps_jobs_are_those_that_have_begun_sorted_by_name(tmp_path):
    for name in ("seed=1", "seed=0", "deeper/seed=2"):
        save_run(tmp_path / name)
    (tmp_path / "seed=3").mkdir()
    (tmp_path / "summary.csv").touch()
    assert [run.path.name for run in SweepFolder(tmp_path).jobs()] == ["seed=0", "seed=1"]
    assert SweepFolder(tmp_path / "none").jobs() == []
    assert SweepFolder(tmp_path).summary("md") == tmp_path / "summary.md"


def test_the_runs_that_a_folder_is_or_holds(tmp_path):
    for name in ("day/b", "day/a", "sweep/x/0"):
        save_run(tmp_path / name)
    (tmp_path / "file").mkdir()
    (tmp_path / "file/.hydra").touch()
    found = [run.path.relative_to(tmp_path).as_posix() for run in runs_below(tmp_path)]
    assert found == ["day/a", "day/b", "sweep/x/0"]
    assert [run.path for run in runs_below(tmp_path / "day/a")] == [tmp_path / "day/a"]

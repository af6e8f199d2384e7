import csv
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from support.terminal import terminal

from mnist_mlp.errors import InputError
from mnist_mlp.sweeps.comparison import Run
from mnist_mlp.sweeps.report import command, write_report


def test_report_of_a_sweep(tmp_path, add_run, capsys):
    for seed, accuracy in enumerate((0.95, 0.96, 0.97)):
        add_run(accuracy, model__dropout=0.1, seed=seed)
    add_run(0.8, model__dropout=0.5, seed=0)
    add_run(error="train_loss became nan", model__dropout=0.5, seed=1)
    add_run(model__dropout=0.5, seed=2)
    sweep = tmp_path / "sweep"
    (sweep / "multirun.yaml").write_text(
        yaml.safe_dump({"hydra": {"overrides": {"hydra": ["hydra.mode=MULTIRUN"], "task": ["study=x", "seed=0,1,2"]}}})
    )
    assert write_report([sweep]) == 2

    shown = capsys.readouterr().out
    summary = (sweep / "summary.md").read_text()
    assert summary.startswith("# python train.py study=x seed=0,1,2\n")
    assert "| 0.1 | 95.00 ± 2.48 | best | 96.00 ± 2.48 | 3 | 2.0 |" in summary
    assert "| 0.5 | 79.00 | -15.00 | 80.00 | 1 | 2.0 |" in summary
    assert "0.1      95.00 ± 2.48  best         96.00 ± 2.48  3      2.0\n" in shown
    for text in (shown, summary):
        assert "ranked by validation accuracy" in text
        assert "- model.dropout=0.5,seed=1: train_loss became nan" in text
        assert "- model.dropout=0.5,seed=2: not finished" in text
    with (sweep / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["model.dropout"], row["seed"], row["test_accuracy"]) for row in rows[:3]] == [
        ("0.1", "0", "0.95"),
        ("0.1", "1", "0.96"),
        ("0.1", "2", "0.97"),
    ]
    assert [row["error"] for row in rows[3:]] == ["", "train_loss became nan", "not finished"]
    assert (sweep / "summary.png").read_bytes().startswith(b"\x89PNG")


def test_the_report_of_several_folders_lies_above_them(tmp_path, add_run):
    add_run(0.9, sweep="all/a", model__dropout=0.1)
    add_run(0.9, sweep="all/b", model__dropout=0.5)
    assert write_report([tmp_path / "all/a", tmp_path / "all/b"]) == 0
    assert "| 0.5 " in (tmp_path / "all/summary.md").read_text()


def test_absolute_and_relative_folders_have_one_report(tmp_path, add_run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    add_run(0.9, sweep="all/a", model__dropout=0.1)
    add_run(0.9, sweep="all/b", model__dropout=0.5)
    assert write_report([tmp_path / "all/a", Path("all/b")]) == 0
    assert (tmp_path / "all/summary.md").exists()


@pytest.mark.parametrize(("by", "first"), [(None, "0.1"), ("val_accuracy", "0.1"), ("test_accuracy", "0.5")])
def test_settings_are_ranked_by_validation_unless_the_test_is_asked_for(tmp_path, add_run, by, first):
    add_run(0.9, model__dropout=0.1)
    run = add_run(0.8, model__dropout=0.5)
    run.write_metrics(replace(run.read_metrics(), test_accuracy=0.99))
    write_report([tmp_path], by)
    rows = [line for line in (tmp_path / "summary.md").read_text().splitlines() if line.startswith("| 0.")]
    assert rows[0].startswith(f"| {first} |")


def test_without_validation_the_test_ranks(tmp_path, add_run):
    run = add_run(0.9, model__dropout=0.1)
    run.write_metrics(replace(run.read_metrics(), val_accuracy=None))
    write_report([tmp_path])
    assert "ranked by test" in (tmp_path / "summary.md").read_text()
    with pytest.raises(InputError, match="--by val_accuracy: no run has it; there are"):
        write_report([tmp_path], "val_accuracy")


@pytest.mark.parametrize(
    ("seeds", "words"),
    [(1, "1 seed, ranked"), (1, "small differences mean nothing"), (2, "hardly anything"), (3, "3 seeds, ranked")],
)
def test_a_report_says_how_far_it_can_be_trusted(tmp_path, add_run, seeds, words):
    for seed in range(seeds):
        for dropout in (0.1, 0.3):
            add_run(0.9 + seed / 100, model__dropout=dropout, seed=seed)
    write_report([tmp_path])
    assert words in (tmp_path / "summary.md").read_text()


@pytest.mark.parametrize("columns", [40, 80, 120, 200])
def test_a_report_fits_the_terminal(tmp_path, add_run, monkeypatch, columns):
    for seed in range(3):
        for place, lr in enumerate((0.1, 0.01)):
            add_run(0.9 + seed / 100 - place / 10, optimizer__lr=lr, model__dropout=0.1 * place, seed=seed)
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.chdir(tmp_path)
    with terminal(columns) as screen:
        monkeypatch.setattr("sys.__stdout__", screen.file)  # whose width shutil asks for
        write_report([Path("sweep")])
        lines = screen.read().splitlines()
    assert max(map(len, lines[:-2])) <= columns  # then come paths and commands, to be copied
    assert ("seconds" in lines[1]) == (columns >= 80)
    assert lines[1].split()[:3] == ["dropout", "lr", "validation"]


def test_a_run_named_twice_counts_once(tmp_path, add_run, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    add_run(0.9, sweep="all", seed=0)
    (tmp_path / "link").symlink_to("all")
    write_report([tmp_path / "all", Path("all"), Path("link")])
    with (tmp_path / "summary.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 1


def test_a_warning_is_shown_once(tmp_path, add_run):
    for seed in range(2):
        add_run(0.9, warning="digits instead of mnist", seed=seed)
    write_report([tmp_path / "sweep"])
    assert (tmp_path / "sweep/summary.md").read_text().count("Warning: digits instead of mnist") == 1


def test_the_command_of_a_trial_trains_it_again(tmp_path, add_run):
    run = add_run(0.9, search="optuna", model="mlp", optimizer__lr=0.01)
    assert command(Run.read(run)) == "python train.py model=mlp optimizer.lr=0.01 trainer.max_epochs=5"


def test_a_sweep_without_any_result(tmp_path, add_run, capsys):
    add_run(error="train_loss became nan", optimizer__lr=1e38)
    assert write_report([tmp_path]) == 1
    assert "- optimizer.lr=1e+38: train_loss became nan" in (tmp_path / "summary.md").read_text()
    assert not (tmp_path / "summary.png").exists()
    assert f"report:    {tmp_path}/summary.md and .csv\n" in capsys.readouterr().out


def test_runs_without_rows(tmp_path, add_run):
    for dropout in (0.1, 0.3):
        add_run(0.9, model__dropout=dropout).metrics_csv.unlink()
    assert write_report([tmp_path]) == 0
    assert (tmp_path / "summary.png").exists()


def test_no_runs(tmp_path):
    with pytest.raises(InputError, match="neither a run folder nor a folder that holds one"):
        write_report([tmp_path])
    with pytest.raises(InputError, match="gone: no such folder"):
        write_report([tmp_path / "gone"])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "damaged"),
        ("{", "damaged"),
        ("[1, 2]", "damaged"),
        ("{}", "without a finished run's scores"),
        (
            '{"test_accuracy": "high", "test_loss": 0, "val_accuracy": 1, "fit_seconds": 1}',
            "test_accuracy: must be a number from 0 to 1",
        ),
        ("[" * 9999, "damaged"),
    ],
)
def test_a_run_whose_metrics_are_damaged_is_listed_with_the_reason(tmp_path, add_run, content, reason):
    add_run(0.9, seed=0)
    damaged = add_run(0.9, seed=1).metrics_json
    damaged.write_text(content)
    assert write_report([tmp_path]) == 1
    (line,) = [line for line in (tmp_path / "summary.md").read_text().splitlines() if line.startswith("- ")]
    assert line.startswith(f"- seed=1: {damaged}: ")
    assert reason in line


@pytest.mark.parametrize("file", ["metrics.csv", ".hydra/overrides.yaml", ".hydra/config.yaml", ".hydra/hydra.yaml"])
@pytest.mark.parametrize("content", [None, "", "a,b\n1", "[", "{}", "[1, {}]"])
def test_a_damaged_run_does_not_affect_the_others(tmp_path, add_run, file, content):
    add_run(0.9, model__dropout=0.1)
    add_run(0.9, model__dropout=0.3)
    path = add_run(0.9, model__dropout=0.5).path / file
    path.write_text(content) if content is not None else path.unlink()
    write_report([tmp_path])
    assert "| 0.3 " in (tmp_path / "summary.md").read_text()
    assert (tmp_path / "summary.png").exists()


def test_runs_are_ranked_by_what_made_their_epochs_the_best(tmp_path, add_run):
    for dropout, loss in ((0.1, 0.4), (0.5, 0.2)):
        for seed in range(3):
            run = add_run(0.9 - dropout, model__dropout=dropout, seed=seed)
            measured = replace(run.read_metrics(), val_loss=loss + seed / 1000, monitor="val_loss", mode="min")
            run.write_metrics(replace(measured, others={"test_f1": dropout}))
    write_report([tmp_path])
    summary = (tmp_path / "summary.md").read_text()
    assert "| dropout | val_loss | to the best | validation % | test % | seconds |" in summary
    assert "| 0.5 | 0.2010 ± 0.0025 | best | 39.00 ± 0.00 |" in summary
    assert "| 0.1 | 0.4010 ± 0.0025 | 0.2000" in summary
    assert "ranked by val_loss" in summary
    write_report([tmp_path], "test_f1")
    assert "| dropout | test_f1 % |" in (tmp_path / "summary.md").read_text()
    with pytest.raises(InputError, match=r"--by f2: no run has it; there are .*test_f1.*val_loss"):
        write_report([tmp_path], "f2")


def test_what_is_lower_is_told_apart_where_less_is_better(tmp_path, add_run):
    for dropout, losses in ((0.1, (0.4, 0.43, 0.41)), (0.5, (0.2, 0.22, 0.21))):
        for seed, loss in enumerate(losses):
            run = add_run(0.9, model__dropout=dropout, seed=seed)
            run.write_metrics(replace(run.read_metrics(), val_loss=loss))
    write_report([tmp_path], "val_loss")
    (row,) = [line for line in (tmp_path / "summary.md").read_text().splitlines() if line.startswith("| 0.1")]
    assert "0.2033 ± " in row and " worse " in row

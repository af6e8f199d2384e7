import re

import pytest
from support.terminal import terminal

from mnist_mlp.runs.folder import SweepFolder
from mnist_mlp.sweeps.progress import SweepProgress


def test_prints_one_line_for_each_job_that_ends(tmp_path, add_run, capsys):
    progress = SweepProgress(SweepFolder(tmp_path / "sweep"), 3)
    add_run(0.9731, seed=0)
    add_run(error="no space", seed=1)
    add_run(seed=2)
    progress.stop()
    progress.stop()
    assert capsys.readouterr().out.splitlines() == [
        f"3 jobs in {tmp_path / 'sweep'}",
        "seed=0  validation 96.31%, test 97.31%, 2 s",
        "seed=1  failed: no space",
    ]


def test_a_resumed_sweep_prints_only_what_is_new(tmp_path, add_run, capsys):
    add_run(0.9, seed=0)
    progress = SweepProgress(SweepFolder(tmp_path / "sweep"), 2)
    add_run(0.9731, seed=1)
    progress.stop()
    assert capsys.readouterr().out.splitlines() == [
        f"2 jobs in {tmp_path / 'sweep'}, 1 of them finished before",
        "seed=1  validation 96.31%, test 97.31%, 2 s",
    ]


def test_one_job_is_one_job(tmp_path, capsys):
    SweepProgress(SweepFolder(tmp_path), 1).stop()
    assert capsys.readouterr().out == f"1 job in {tmp_path}\n"


@pytest.mark.parametrize(
    ("columns", "shown_epoch", "shown_name"), [(35, False, False), (50, True, False), (80, True, True)]
)
def test_epochs_of_running_jobs_count_as_parts_of_jobs(
    tmp_path, add_run, monkeypatch, columns, shown_epoch, shown_name
):
    monkeypatch.setenv("TERM", "xterm")
    with terminal(columns) as screen:
        progress = SweepProgress(SweepFolder(tmp_path / "sweep"), 4)
        add_run(0.9731, seed=0)
        add_run(seed=1).write_rows([{"epoch": 1}, {"epoch": 2}])  # of five
        progress.stop()
        shown = screen.read()
        assert progress.line.n == 1.4
        assert "seed=0  validation 96.31%, test 97.31%, 2 s\n" in shown
        assert re.search(r"1 of 4 jobs  \d\d:\d\d left  ", shown)
        assert ("left  epoch 3/5  " in shown) == shown_epoch
        assert ("epoch 3/5  seed=1  " in shown) == shown_name

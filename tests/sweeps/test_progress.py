import json

from mnist_mlp.sweeps.progress import Watch


def job(sweep, name):
    (sweep / name / ".hydra").mkdir(parents=True)
    return sweep / name


def finish(job):
    metrics = {"test_accuracy": 0.9731, "test_loss": 0.1, "val_accuracy": 0.97, "fit_seconds": 12.3}
    (job / "metrics.json").write_text(json.dumps(metrics))


def test_says_each_job_that_ends_once(tmp_path, capsys):
    watch = Watch(tmp_path, 3)
    finish(job(tmp_path, "seed=0"))
    (job(tmp_path, "seed=1") / "error.txt").write_text("no space\n")
    job(tmp_path, "seed=2")
    watch.stop()
    watch.stop()
    assert capsys.readouterr().out.splitlines() == [
        f"3 jobs in {tmp_path}",
        "seed=0  test accuracy 97.31%, 12 s",
        "seed=1  failed: no space",
    ]


def test_a_continued_sweep_says_only_what_is_new(tmp_path, capsys):
    finish(job(tmp_path, "seed=0"))
    watch = Watch(tmp_path, 2)
    finish(job(tmp_path, "seed=1"))
    watch.stop()
    assert capsys.readouterr().out.splitlines() == [
        f"2 jobs in {tmp_path}, 1 of them finished before",
        "seed=1  test accuracy 97.31%, 12 s",
    ]

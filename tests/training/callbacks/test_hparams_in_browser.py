"""TensorBoard's HPARAMS tab as a person sees it, in Chromium: the scores stand in it.

MNIST_MLP_SCREENSHOTS names a folder to save screenshots in.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.browser import CHROMIUM, launch, playwright
from support.commands import composed

from mnist_mlp.runs.metrics import Metrics
from mnist_mlp.training import run as training

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="needs Chromium on the path")]
PATIENCE = 120_000  # ms


def train(folder: Path, *settings: object, varied: dict | None = None) -> Metrics:
    small = ["data=digits", "trainer=cpu", "trainer.max_epochs=2", "model.hidden_sizes=[16]"]
    metrics = training.train(composed(*small, *settings), folder, varied)
    assert metrics
    return metrics


def a_run(logdir: Path) -> dict[str, Metrics]:
    return {"result": train(logdir)}


def a_sweep(logdir: Path) -> dict[str, Metrics]:
    jobs = [{"model.dropout": dropout, "seed": seed} for dropout in (0.1, 0.3) for seed in (0, 1)]
    names = [",".join(f"{key}={value}" for key, value in job.items()) for job in jobs]
    return {f"{name}/result": train(logdir / name, *name.split(","), varied=job) for name, job in zip(names, jobs)}


def thirty_runs(logdir: Path) -> dict[str, Metrics]:
    settings = [
        [f"seed={n}", f"optimizer={('adam', 'sgd')[n % 2]}"] + ["scheduler=cosine"] * (n % 3) for n in range(30)
    ]
    return {f"{n:02}/result": train(logdir / f"{n:02}", *dict.fromkeys(typed)) for n, typed in enumerate(settings)}


def cells(logdir: Path, screenshot: Path) -> list[str]:
    """The texts in the cells of the HPARAMS tab, row by row, without empty ones."""
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir), "--port", "0", "--load_fast=false"]
    with (
        subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as server,
        playwright.sync_playwright() as driver,
    ):
        try:
            address = next(found[0] for line in server.stderr if (found := re.search(r"http://\S+", line)))
            browser = launch(driver)
            page = browser.new_page(viewport={"width": 2000, "height": 1600})
            page.goto(f"{address}#hparams", wait_until="commit", timeout=PATIENCE)
            page.get_by_text(re.compile("result$")).first.wait_for(timeout=PATIENCE)
            page.wait_for_timeout(3000)  # the rows come one after the other
            page.screenshot(path=screenshot)
            texts = page.locator("vaadin-grid-cell-content").all_inner_texts()
            browser.close()
        finally:
            server.terminate()
    return [text.strip() for text in texts if text.strip()]


@pytest.mark.parametrize("made", [a_run, a_sweep, thirty_runs])
def test_the_scores_of_each_run_stand_in_the_hparams_tab(tmp_path, made):
    trained = made(tmp_path / "logdir")
    folder = Path(os.environ.get("MNIST_MLP_SCREENSHOTS", tmp_path))
    texts = cells(tmp_path / "logdir", folder / f"hparams-{made.__name__}.png")
    width = texts.index("val_accuracy") + 1
    header, rest = texts[:width], texts[width:]
    assert header[-2:] == ["test_accuracy", "val_accuracy"]
    width -= 1  # below "Show Metrics" there are boxes to tick
    rows = {rest[start]: rest[start + width - 2 : start + width] for start in range(0, len(rest), width)}
    assert rows.keys() == trained.keys()
    for name, metrics in trained.items():
        assert list(map(float, rows[name])) == pytest.approx([metrics.test_accuracy, metrics.val_accuracy], abs=1e-4)

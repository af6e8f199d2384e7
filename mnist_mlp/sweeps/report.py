"""The report of a sweep, or of any runs: a table, a picture, and a CSV file with a row for each run."""

import os
import textwrap
from pathlib import Path

from matplotlib.figure import Figure

from mnist_mlp.errors import InputError
from mnist_mlp.runs.atomic import save_figure, write_text
from mnist_mlp.runs.folder import SweepFolder, read_yaml
from mnist_mlp.sweeps import figures, search
from mnist_mlp.sweeps.comparison import Run, Setting, factors_of, read_runs, settings_of
from mnist_mlp.sweeps.scores import TEST_ACCURACY, VAL_ACCURACY, Score
from mnist_mlp.sweeps.tables import Table, epochs_table, settings_table, write_csv
from mnist_mlp.terminal import columns, plural, shell_command, wrapped

# What a search's file may set for all of its trials, and what it is otherwise
OF_A_SEARCH = {"trainer.max_epochs": None, "metrics": "none", "monitor": "val_accuracy", "mode": "max"}


def write_report(folders: list[Path], by: str | None = None, to: Path | None = None) -> int:
    """Prints the report and writes summary.csv, summary.md and summary.png.

    Args:
        folders: A sweep's folder, or run folders, or folders that hold any.
        by: The number in metrics.json that ranks the settings. Default: what made an epoch the best in all runs, such
            as the validation accuracy, which leaves the test images out of every choice; if no run has it, the test
            accuracy.
        to: Where the files go. Default: the folder, or the one that holds all of them.

    Returns:
        The number of runs without a result.

    Raises:
        InputError: A folder holds no run, or a file is damaged or cannot be written.
    """
    to = to or common_folder(folders)
    report, heading, runs = SweepFolder(to), title(folders), read_runs(folders)
    score = ranking(runs, by)
    factors = factors_of(runs)
    settings = settings_of(runs, factors, score)
    searched = SweepFolder(folders[0]) if len(folders) == 1 and SweepFolder(folders[0]).trials.exists() else None
    parts, figure = compare(settings, factors, score, searched) if settings else ([], None)
    parts += sorted({f"Warning: {run.metrics.warning}" for run in runs if run.metrics and run.metrics.warning})
    failed = [f"- {run.folder.path.name}: {run.problem}" for run in runs if not run.metrics]
    if failed:
        parts.append("Without result:\n\n" + "\n".join(failed))
    width = columns()
    print("\n" + "\n\n".join(part.plain(width) if isinstance(part, Table) else wrapped(part, width) for part in parts))

    write_csv(report.summary("csv"), runs, factors)
    if figure:
        figure.suptitle(textwrap.fill(heading, 130))
        save_figure(report.summary("png"), figure, dpi=110)
        parts.insert(0, "![effect and curves](summary.png)")
    texts = [part.markdown() if isinstance(part, Table) else part for part in parts]
    write_text(report.summary("md"), "\n\n".join([f"# {heading}", *texts]) + "\n")
    kinds = ", .csv and .png" if figure else " and .csv"
    print(f"\nreport:    {to}/summary.md{kinds}\ndashboard: {shell_command('tensorboard', '--logdir', to)}")
    return len(failed)


def ranking(runs: list[Run], by: str | None) -> Score:
    """Returns what ranks the runs' settings. Raises InputError if no run has what was asked for."""
    finished = [run.metrics for run in runs if run.metrics]
    modes = {metrics.monitor: metrics.mode for metrics in finished}
    name = by or (next(iter(modes)) if len(modes) == 1 else VAL_ACCURACY.name)
    values = [value for metrics in finished if type(value := metrics.value(name)) in (int, float)]
    if by and not values:
        measured = {name for metrics in finished for name, value in vars(metrics).items() if type(value) is float}
        names = sorted(measured.union(*(metrics.others for metrics in finished)))
        raise InputError(f"--by {by}: no run has it; there are {', '.join(names)}")
    return Score.of(name, values, modes.get(name)) if values else TEST_ACCURACY


def common_folder(folders: list[Path]) -> Path:
    """Returns the only folder, or the innermost one that holds all of them, relative to the working directory."""
    if len(folders) == 1:
        return folders[0]
    try:
        return Path(os.path.relpath(os.path.commonpath([folder.absolute() for folder in folders])))
    except ValueError:  # on two drives of Windows
        return Path()


def compare(
    settings: list[Setting], factors: list[str], by: Score, searched: SweepFolder | None
) -> tuple[list[str | Table], Figure]:
    """Returns the paragraphs and tables that compare the settings, and the figure.

    Args:
        settings: At least one, the best first.
        factors: The keys that vary.
        by: What ranks the settings.
        searched: The sweep's folder if it is a search.
    """
    parts: list[str | Table] = [settings_table(settings, factors, by)]
    if not factors:
        parts.append(epochs_table(settings[0]))
    parts.append(caption(settings, by))
    if not searched:
        return parts, figures.draw_settings(settings, factors, by)
    results, importances = search.results_and_importances(searched)
    monitored = ranking([run for setting in settings for run in setting.runs], None)
    parts.append(f"Best of {len(results)} trials by {by.title}:\n\n    {command(settings[0].runs[0])}")
    return parts, figures.draw_search(results, importances, monitored)


def caption(settings: list[Setting], by: Score) -> str:
    """Returns what the table's numbers are, and how far they can be trusted."""
    counts = {len(setting.runs) for setting in settings}
    seeds = plural(max(counts), "seed") if len(counts) == 1 else "seeds as in the table"
    sentences = [f"{seeds.capitalize()}, ranked by {by.title}. Seconds: the training alone."]
    if max(counts) == 1:
        return " ".join([*sentences, "One seed: small differences mean nothing."])
    sentences.append("±: 95 % interval of the mean (Student's t).")
    if len(settings) > 1:
        sentences.append(
            "To the best: the difference seed by seed; its intervals hold together (Bonferroni). Only what is called"
            " worse is told apart from the best."
        )
    if max(counts) == 2:
        sentences.append("Two seeds tell hardly anything: with five, intervals of means are a seventh as wide.")
    return " ".join(sentences)


def title(folders: list[Path]) -> str:
    """Returns the command that began the sweep, or the folders' names if they are not one sweep."""
    try:
        (folder,) = folders
        overrides = read_yaml(SweepFolder(folder).multirun_yaml, dict)["hydra"]["overrides"]
        of_hydra = [word for word in overrides["hydra"] if word.startswith(("hydra.sweeper.", "hydra.launcher."))]
        task = overrides["task"]
        multirun = [] if any(word.startswith(("study=", "search=")) for word in task) else ["-m"]
        return shell_command("python", "train.py", *multirun, *task, *of_hydra)
    except (InputError, LookupError, TypeError, AttributeError, ValueError):
        return "Runs in " + ", ".join(map(str, folders))


def command(trial: Run) -> str:
    """Returns the command that trains a trial of a search again, with what the search's file may have set."""
    typed = [override for override in trial.overrides if not override.startswith(("search=", "launcher="))]
    words = [
        f"{key}={value}"
        for key, default in OF_A_SEARCH.items()
        if (value := trial.chosen(key)) not in (default, None) and f"{key}={value}" not in typed
    ]
    return shell_command("python", "train.py", *typed, *words)

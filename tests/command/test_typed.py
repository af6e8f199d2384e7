from pathlib import Path

import pytest
from support.commands import composed

from mnist_mlp.command.typed import flags_first, readable

HOME = str(Path.home())


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (["seed=1", "-m", "model=mlp,wide"], ["-m", "seed=1", "model=mlp,wide"]),
        (["model=mlp", "--cfg", "job"], ["--cfg", "job", "model=mlp"]),
        (["'model.hidden_sizes=[64]'"], ["model.hidden_sizes=[64]"]),  # as from Windows' cmd
        (['optimizer.lr="0.1"'], ["optimizer.lr=0.1"]),
        (["resume=~/x"], [f"resume={HOME}/x"]),
        (
            ["~augment", "++trainer.x=1", "hydra.sweeper.n_trials=3"],
            ["~augment", "++trainer.x=1", "hydra.sweeper.n_trials=3"],
        ),
        (["-m", "data.root=a,b"], ["-m", "data.root=a,b"]),
        (["hydra.run.dir=runs/${now:%H}"], ["hydra.run.dir=runs/${now:%H}"]),
    ],
)
def test_what_can_be_meant_in_one_way_only_is_taken(typed, read):
    assert readable(typed) == read


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        ("~/x", f"{HOME}/x"),
        ("~no.such.user/x", "~no.such.user/x"),
        ("my digits", "my digits"),
        (r"C:\Users\me\digits", r"C:\Users\me\digits"),
        ("it's (1), ä", "it's (1), ä"),
        ("digits/a-b.c", "digits/a-b.c"),
        ("'in quotes'", "in quotes"),
    ],
)
def test_a_path_is_taken_as_it_is(path, taken):
    (word,) = readable([f"data.root={path}"])
    assert composed("data=folder", word).data.root == taken


def test_flags_come_first_and_keep_their_values():
    typed = ["seed=1", "--config-dir", "my", "seed=2", "-m"]
    assert flags_first(typed) == ["--config-dir", "my", "-m", "seed=1", "seed=2"]

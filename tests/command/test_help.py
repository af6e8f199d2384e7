import pytest
from support.commands import train_here

import mnist_mlp
from mnist_mlp.command.help import ABOUT, first_line, help_text, information
from mnist_mlp.command.options import options
from mnist_mlp.errors import InputError


def test_no_group_of_that_name():
    with pytest.raises(InputError, match="--help bogus: no such group; there are"):
        information(["--help", "bogus"])


def test_the_help_has_a_line_for_each_option_and_fits_a_narrow_terminal():
    text = help_text()
    assert max(map(len, text.splitlines())) < 80
    for group, names in options().items():
        assert f"\n{group}=NAME: {ABOUT[group][:20]}" in text
        for name, told in names.items():
            assert " ".join(f"{name} {told}".split()) in " ".join(text.split())


@pytest.mark.parametrize("typed", [["--help"], ["-h", "seed=1"], ["help"], ["model=mlp", "--help"]])
def test_help_is_given_however_it_is_asked_for(typed):
    assert information(typed) == help_text()


def test_help_for_a_group_shows_its_options_only():
    assert information(["--help", "model"]).startswith("model=NAME: the network\n  deep ")
    assert "optimizer" not in information(["--help", "model"])


@pytest.mark.parametrize("typed", ["--version", "version"])
def test_the_version(typed, tmp_path):
    assert train_here(tmp_path, typed).stdout == f"mnist_mlp {mnist_mlp.__version__}\n"


def test_nothing_else_is_information():
    assert information([]) is None
    assert information(["experiment=mlp"]) is None


def test_a_run_says_what_it_trains():
    assert first_line({"experiment": None}, []).startswith("experiment=wide (The tutorial's model 4")
    assert first_line({"experiment": "mlp"}, ["experiment=mlp", "seed=1"]).endswith("there) with seed=1")
    assert first_line({"model": "mlp"}, ["model=mlp"]) == "model=mlp (Two hidden layers of 64: 55,050 parameters)"
    assert first_line({"experiment": "mine"}, ["experiment=mine"]) == "experiment=mine"
    assert first_line({"experiment": "mine"}, ["experiment=mine", "+a=1", "a=2"]) == "experiment=mine with a=2"

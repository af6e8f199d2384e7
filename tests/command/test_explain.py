import subprocess
import sys

import pytest
from hydra.errors import InstantiationException, MissingConfigException

from mnist_mlp.command.explain import explain
from mnist_mlp.errors import InputError, one_line_errors


def shown(capsys, error: BaseException) -> tuple[int, str]:
    with pytest.raises(SystemExit) as end, one_line_errors(explain):
        raise error
    return end.value.code, capsys.readouterr().err


def test_an_error_that_the_user_can_fix_is_one_line(capsys):
    assert shown(capsys, InputError("seed=x:\n must be\n an integer")) == (2, "error: seed=x: must be an integer\n")
    assert shown(capsys, FileNotFoundError(2, "No such file", "a.png")) == (2, "error: a.png: No such file\n")
    assert shown(capsys, KeyboardInterrupt("to continue: ...")) == (130, "\ninterrupted: to continue: ...\n")


def test_a_bug_shows_its_traceback():
    with pytest.raises(ZeroDivisionError), one_line_errors(explain):
        raise ZeroDivisionError


def test_an_error_of_a_constructor_names_its_key():
    error = InstantiationException("Error in call to target 'x':\nValueError('too big')\nfull_key: trainer")
    error.__cause__ = ValueError("too big")
    assert explain(error) == "trainer: too big"


def test_a_choice_whose_plugin_is_missing_says_how_to_install_it():
    error = MissingConfigException("In 'launcher/parallel': ...", "hydra/launcher/joblib", ["basic"])
    assert explain(error).startswith("launcher=parallel: its plugin is not installed: pip install")


def test_an_option_that_is_not_there_names_those_that_are():
    error = MissingConfigException("In 'config': ...", "model/nope", ["deep", "mlp"])
    assert explain(error) == "model=nope: no such model; there are deep, mlp"  # an OSError too


def test_a_search_without_a_result_is_reported():
    assert explain(ValueError("No trials are completed yet.")) == "every trial of the search failed"


def test_a_reader_that_has_seen_enough_ends_the_program_quietly():
    code = "from mnist_mlp.errors import one_line_errors\nwith one_line_errors():\n    while True: print('y' * 9999)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141

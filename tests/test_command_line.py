import pytest
from hydra.errors import InstantiationException

from mnist_mlp.command_line import continued, errors_in_one_line, explained
from mnist_mlp.errors import InputError


def shown(capsys, error: BaseException) -> tuple[int, str]:
    with pytest.raises(SystemExit) as end, errors_in_one_line():
        raise error
    return end.value.code, capsys.readouterr().err


def test_what_the_user_can_mend_is_one_line(capsys):
    assert shown(capsys, InputError("seed=x:\n must be\n an integer")) == (2, "error: seed=x: must be an integer\n")
    assert shown(capsys, FileNotFoundError(2, "No such file", "a.png")) == (2, "error: a.png: No such file\n")
    assert shown(capsys, KeyboardInterrupt("to continue: ...")) == (130, "\ninterrupted: to continue: ...\n")


def test_a_bug_shows_its_traceback():
    with pytest.raises(ZeroDivisionError), errors_in_one_line():
        raise ZeroDivisionError


def test_what_a_constructor_rejects_is_told_with_its_key():
    error = InstantiationException("Error in call to target 'x':\nValueError('too big')\nfull_key: trainer")
    error.__cause__ = ValueError("too big")
    assert explained(error) == "trainer: too big"


def test_a_continued_run_has_its_own_settings_and_folder_first(tmp_path):
    (tmp_path / ".hydra").mkdir()
    (tmp_path / ".hydra/overrides.yaml").write_text("- experiment=mlp\n- seed=3\n")
    checkpoint = f"checkpoint={tmp_path}/checkpoints/last.ckpt"
    arguments = continued(["trainer.max_epochs=9", checkpoint])
    assert arguments[:2] == ["experiment=mlp", "seed=3"]
    assert f"hydra.run.dir='{tmp_path}'" in arguments
    assert arguments[-2:] == ["trainer.max_epochs=9", checkpoint]
    assert continued(["seed=1"]) == ["seed=1"]
    assert continued(["checkpoint=elsewhere/last.ckpt"]) == ["checkpoint=elsewhere/last.ckpt"]

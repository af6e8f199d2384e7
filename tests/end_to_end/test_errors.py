"""What train.py prints when something is wrong, and that it answers without torch."""

import json
import subprocess
import sys

import pytest
from support.commands import PROJECT, assert_one_error_line, train_here

WRONG = {
    "modle=wide": ["did you mean model=wide"],
    "model.dropot=0.3": ["unknown key model.dropot", "did you mean model.dropout"],
    "model=huge": ["model=huge: no such model", "deep, dropout, mlp, perceptron, wide"],
    "optimizer=null": ["null"],
    "model=[mlp]": ["model: must be the name of one option"],
    "optimizer.lr=[": ["optimizer.lr=[: a ] is missing"],
    "trainer.max_epochs=many": ["trainer.max_epochs=many: must be an integer"],
    "seed=x": ["seed=x: must be an integer"],
    "-m model=mlp,huge": ["model=huge: no such model"],
}
LIGHT = {"--help", "--cfg job"}  # answers without an error

# One process for all commands: to start one takes much longer than to answer.
SCRIPT = """
import atexit, contextlib, io, json, os, runpy, sys
for command in json.loads(sys.stdin.read()):
    sys.argv = ["train.py", *command.split()]
    os.mkdir(command)
    os.chdir(command)
    status, out, err = None, io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            runpy.run_path(PROJECT + "/train.py", run_name="__main__")
    except SystemExit as end:
        status = end.code
    heavy = [name for name in ("torch", "lightning") if name in sys.modules]
    atexit._run_exitfuncs()
    left = os.listdir()
    os.chdir("..")
    print(json.dumps([command, status, out.getvalue(), err.getvalue(), heavy, left]))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory) -> dict:
    """Each command's exit status, stdout, stderr, heavy imports, and the files that it left."""
    code = f"PROJECT = {str(PROJECT)!r}\n{SCRIPT}"
    commands = json.dumps([*LIGHT, *WRONG])
    folder = tmp_path_factory.mktemp("answers")
    result = subprocess.run([sys.executable, "-c", code], cwd=folder, input=commands, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return {command: answer for command, *answer in map(json.loads, result.stdout.splitlines())}


@pytest.mark.parametrize("command", WRONG)
def test_a_config_error_is_one_line_without_torch_and_leaves_nothing(answers, command):
    status, _, err, heavy, left = answers[command]
    assert_one_error_line(subprocess.CompletedProcess(command, status, "", err), *WRONG[command])
    assert len(err.splitlines()) == 1
    assert heavy == left == []


@pytest.mark.parametrize("command", sorted(LIGHT))
def test_answers_without_importing_torch(answers, command):
    status, out, _, heavy, left = answers[command]
    assert not status
    assert "wide" in out or "max_epochs" in out
    assert heavy == left == []


def test_help_names_every_group_and_shows_examples(answers):
    _, shown, *_ = answers["--help"]
    for text in ("python train.py experiment=mlp", "model=NAME", "\n  mlp ", "resume="):
        assert text in shown


def test_a_data_error_leaves_no_folder(tmp_path, mnist_root):
    (mnist_root / "MNIST/raw/t10k-labels-idx1-ubyte").write_bytes(b"damaged")
    work = tmp_path / "work"
    work.mkdir()
    assert_one_error_line(train_here(work, MNIST_ROOT=str(mnist_root)), "t10k-labels-idx1-ubyte")
    assert list(work.iterdir()) == []


def test_nowhere_to_write(tmp_path):
    (tmp_path / "outputs").write_text("a file where the folder should be")
    assert_one_error_line(train_here(tmp_path, "data=digits"), "outputs")


def test_builds_that_do_not_belong_together(tmp_path):
    fake = tmp_path / "fake/torchvision"
    fake.mkdir(parents=True)
    (fake / "__init__.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    script = tmp_path / "run.py"
    script.write_text(
        f"import runpy, sys; sys.path.insert(0, {str(fake.parent)!r}); sys.argv = ['train.py']\n"
        f"sys.path.insert(1, {str(PROJECT)!r}); runpy.run_path({str(PROJECT / 'train.py')!r}, run_name='__main__')"
    )
    work = tmp_path / "work"
    work.mkdir()
    result = subprocess.run([sys.executable, str(script)], cwd=work, capture_output=True, text=True)
    assert_one_error_line(result, "torch and torchvision are builds that do not belong together", "pip install")

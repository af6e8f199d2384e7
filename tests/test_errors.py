"""How a command ends: signals, streams that are closed or full, and names that no encoding has."""

import os
import shlex
import signal
import subprocess
import sys

import pytest
from support.commands import heed_ctrl_c

from mnist_mlp.errors import explain


def run(code: str, *, shell: str = "{}", **environment: str) -> subprocess.CompletedProcess:
    """Runs Python code behind ``from mnist_mlp.errors import *``, in a shell."""
    command = shell.format(f'exec {shlex.quote(sys.executable)} -c "$CODE"')
    variables = os.environ | environment | {"CODE": "import os\nfrom mnist_mlp.errors import *\n" + code}
    return subprocess.run(command, shell=True, env=variables, capture_output=True, preexec_fn=heed_ctrl_c)


HANDLES = "interrupt_on_signals(), one_line_errors()"


@pytest.mark.parametrize("block", ["ends_at_once()", HANDLES, f"{HANDLES}, ends_at_once()"])
@pytest.mark.parametrize(
    ("sent", "status", "word"), [(signal.SIGINT, 130, b"interrupted"), (signal.SIGTERM, 143, b"terminated")]
)
def test_a_signal_is_one_line_and_what_is_to_be_done_at_the_end_is_done(sent, status, word, block):
    code = f"""
import atexit
atexit.register(os.write, 1, b"done")
with {block}:
    os.kill(os.getpid(), {int(sent)})
    print("not reached")
"""
    result = run(code)
    assert (result.returncode, result.stdout, result.stderr) == (status, b"done", b"\n" + word + b"\n")


def test_an_error_that_a_library_makes_of_an_interrupt_is_one():
    code = """
with interrupt_on_signals(), one_line_errors():
    try:
        os.kill(os.getpid(), 2)
    except KeyboardInterrupt:
        raise SystemError("of some library in C")
"""
    result = run(code)
    assert (result.returncode, result.stderr) == (130, b"\ninterrupted\n")


SAY = r"""
with one_line_errors():
    print("d\u00e9j\u00e0 vu \udcff \u00b1")
    warn("\udcff\u2192")
    raise InputError("d\u00e9j\u00e0 \udcff")
"""


@pytest.mark.parametrize(
    ("shell", "environment"),
    [
        ("{}", {"PYTHONIOENCODING": "ascii"}),
        ("{}", {"LC_ALL": "C"}),
        ("{} <&- >&-", {}),
        ("{} <&- >&- 2>&-", {}),
        ("{} 2>&-", {}),
        ("{} > /dev/full", {}),
    ],
)
def test_streams_that_are_closed_or_full_and_names_that_cannot_be_said(shell, environment):
    result = run(SAY, shell=shell, **environment)
    assert result.returncode == 2
    if "2>" in shell:
        assert result.stderr == b""
    else:
        assert result.stderr.splitlines()[-1].startswith(b"error: ")
        assert b"Exception ignored" not in result.stderr


def test_a_working_directory_that_is_gone(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(FileNotFoundError) as error:
        os.getcwd()
    assert explain(error.value) == "the working directory no longer exists"


def test_leaving_does_all_that_python_does_at_the_end(tmp_path):
    code = f"""
import atexit, tempfile, threading, time
class Open:
    def __init__(self, file): self.file = file  # never closed
kept = Open(open({str(tmp_path / "log")!r}, "w"))
kept.file.write("a line")
folder = tempfile.TemporaryDirectory(dir={str(tmp_path)!r})
threading.Thread(target=lambda: (time.sleep(0.3), kept.file.write(" and another"))).start()
atexit.register(print, "done")
print("first", end=" ")
leave()
"""
    result = run(code)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"first done\n", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["log"]
    assert (tmp_path / "log").read_text() == "a line and another"

import pytest
from support.terminal import terminal

from mnist_mlp.terminal import ERASE_BELOW, WRAP_OFF, WRAP_ON, LiveLine, wrapped

PIECES = ["epoch 100/100", "validation 98.31%", "accuracy 98.94%", "{remaining} left", "loss 0.0312"]


@pytest.fixture(autouse=True)
def _terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")


def frames(text: str) -> list[str]:
    """What the line showed, one after the other."""
    return [part.partition(WRAP_ON)[0] for part in text.split(ERASE_BELOW + WRAP_OFF)[1:]]


@pytest.mark.parametrize("columns", [35, 40, 80, 120, 200])
def test_a_line_fills_the_terminal_and_keeps_what_matters_most(columns):
    with terminal(columns) as screen:
        line = LiveLine(lambda: list(PIECES), total=10)
        (frame,) = frames(screen.read())
        line.close()
    assert len(frame) == columns - 1
    assert frame.startswith("epoch 100/100  validation 98.31%  ")
    assert ("loss 0.0312" in frame) == (columns >= 120)


def test_a_piece_is_shown_whole_or_not_at_all():
    for columns in range(33, 100):
        with terminal(columns) as screen:
            line = LiveLine(lambda: list(PIECES), total=10)
            (frame,) = frames(screen.read())
            line.close()
        shown = [piece for piece in frame.rstrip().split("  ") if piece]
        assert shown == [piece.format(remaining="?") for piece in PIECES][: len(shown)]


def test_a_window_that_is_resized_has_a_line_of_its_new_width_and_nothing_remains():
    with terminal(120) as screen:
        line = LiveLine(lambda: list(PIECES), total=10)
        for columns in (60, 45, 90):
            screen.read()
            screen.resize(columns)
            line.refresh()
            text = screen.read()
            assert len(frames(text)[-1]) == columns - 1
            assert text.endswith("\r")  # the cursor waits where the line begins, whatever becomes of its end
        line.print("a result")
        assert f"{ERASE_BELOW}{WRAP_OFF}{WRAP_ON}\r\ra result\n" in screen.read()
        line.close()
        assert frames(screen.read()) == [""]


def test_a_terminal_that_does_not_know_its_width():
    with terminal(0) as screen:
        line = LiveLine(lambda: list(PIECES), total=10)
        assert len(frames(screen.read())[0]) == 79
        line.close()


def test_there_is_no_line_off_a_terminal_nor_on_one_that_only_prints(capsys, monkeypatch):
    LiveLine(lambda: ["epoch 1", "2"], total=10).close()
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("TERM", "dumb")
    with terminal(80) as screen:
        line = LiveLine(lambda: ["epoch 1", "2"], total=10)
        line.print("a result")
        line.close()
        assert screen.read() == "a result\n"


def test_commands_and_paths_are_not_broken_into_lines():
    text = "two words of text:\n\n    python train.py a=1 b=2\n\n- model=a,optimizer=b: failed"
    assert wrapped(text, 12).splitlines() == [
        "two words of",
        "text:",
        "",
        "    python train.py a=1 b=2",
        "",
        "-",
        "model=a,optimizer=b:",
        "failed",
    ]
    assert wrapped(text, None) == text

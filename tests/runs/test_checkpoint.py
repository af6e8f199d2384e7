from pathlib import Path

import pytest
import torch

from mnist_mlp.errors import InputError
from mnist_mlp.runs.checkpoint import check_settings, read_checkpoint, settings_of

SETTINGS_OF_NO_KIND = {"state_dict": {}, "callbacks": {}, "hyper_parameters": torch.zeros(3)}


@pytest.mark.parametrize(
    "content",
    [b"", b"not one", {"state_dict": {}}, {"state_dict": 1, "callbacks": {}}, [1, 2], SETTINGS_OF_NO_KIND],
)
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, content):
    path = tmp_path / "last.ckpt"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(InputError, match="last.ckpt: damaged, or not a checkpoint"):
        read_checkpoint(path)


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_single_changed_byte_is_found(tmp_path):
    path = tmp_path / "last.ckpt"
    torch.save({"callbacks": {}, "state_dict": {"weight": torch.rand(100, 100)}}, path)
    assert read_checkpoint(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"last\.ckpt: damaged"):
        read_checkpoint(path)


def test_code_in_a_checkpoint_is_refused_and_not_run(tmp_path):
    torch.save({"state_dict": {}, "callbacks": Payload(tmp_path / "ran")}, tmp_path / "last.ckpt")
    with pytest.raises(InputError, match="damaged, or not a checkpoint"):
        read_checkpoint(tmp_path / "last.ckpt")
    assert not (tmp_path / "ran").exists()


def test_other_settings_than_the_checkpoints_are_named():
    settings = {"seed": 0, "optimizer.lr": 0.1, "model._target_": "mnist_mlp.model.mlp.MLP"}
    saved = {"callbacks": {}, "hyper_parameters": settings}
    check_settings(Path("last.ckpt"), saved, dict(settings))
    check_settings(Path("last.ckpt"), {"callbacks": {}}, {"seed": "1"})
    with pytest.raises(InputError, match=r"last.ckpt: its run has optimizer.lr=0.1, not 0.2"):
        check_settings(Path("last.ckpt"), saved, settings | {"optimizer.lr": 0.2})
    with pytest.raises(InputError, match=r"its run has data.augment=None, not distort"):
        check_settings(Path("last.ckpt"), saved, settings | {"data.augment": "distort"})
    with pytest.raises(InputError, match=r"its run has model._target_"):
        check_settings(Path("last.ckpt"), saved, settings | {"model._target_": "mnist_mlp.model.mlp.Other"})


def test_checkpoints_of_version_0_1_0_kept_settings_as_text_and_named_modules_that_have_moved():
    texts = {"model._target_": "mnist_mlp.model.MLP", "model.dropout": "5e-05", "model.hidden_sizes": "[64, 64]"}
    texts |= {"model.activation": "relu", "model.batch_norm": "False"}
    saved = {"callbacks": {"LastAndBest": {"settings": texts}}}
    now = {"model._target_": "mnist_mlp.model.mlp.MLP", "model.dropout": 5e-05, "model.hidden_sizes": [64, 64]}
    now |= {"model.activation": "relu", "model.batch_norm": False}
    assert settings_of(saved) | {"model._target_": ""} == now | {"model._target_": ""}
    check_settings(Path("last.ckpt"), saved, now)

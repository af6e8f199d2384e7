import pytest
import torch
from support.runs import checkpoint_of, save_run

from mnist_mlp.model import threads
from mnist_mlp.model.mlp import MLP
from mnist_mlp.reader import Reader


@pytest.mark.parametrize(("torchs", "usable", "expected"), [(64, 2, 2), (1, 8, 1), (4, 4, 4)])
def test_no_more_threads_than_cores_that_may_be_used(monkeypatch, torchs, usable, expected):
    monkeypatch.setattr(torch, "get_num_threads", lambda: torchs)
    monkeypatch.setattr(threads, "cpu_count", lambda: usable)
    assert threads.usable_threads() == expected


def test_a_reader_takes_no_more_than_a_containers_share(monkeypatch, tmp_path):
    run = save_run(tmp_path / "run", checkpoint_of(MLP([4]), hidden_sizes=[4]))
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    monkeypatch.setattr(threads, "cpu_count", lambda: 1)
    try:
        Reader(run.path)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)

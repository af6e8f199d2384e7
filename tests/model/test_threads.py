import pytest
import torch
from support.runs import checkpoint_of, save_run
from torch import nn

from mnist_mlp.model import threads
from mnist_mlp.model.backpropagation import Chain, Gradients
from mnist_mlp.model.mlp import MLP
from mnist_mlp.reader import Reader


@pytest.mark.parametrize(("torchs", "usable", "expected"), [(64, 2, 2), (1, 8, 1), (4, 4, 4)])
def test_no_more_threads_than_cores_that_may_be_used(monkeypatch, torchs, usable, expected):
    monkeypatch.setattr(torch, "get_num_threads", lambda: torchs)
    monkeypatch.setattr(threads, "cpu_count", lambda: usable)
    assert threads.usable_threads() == expected


@pytest.mark.parametrize(("work", "expected"), [(7_850 * 64, 1), (669_706 * 128, 4), (669_706 * 16, 1)])
def test_small_models_use_one_thread(monkeypatch, work, expected):
    monkeypatch.setattr(threads, "THREADS", 4)
    assert threads.threads_for(work) == expected


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


class Clock:
    """A clock of the wall and one of the calling thread's work, as the module ``time``."""

    def __init__(self):
        self.wall = self.work = 0.0

    def perf_counter(self):
        return self.wall

    def thread_time(self):
        return self.work

    def run(self, spare: threads.SpareThreads, seconds: float, running: float):
        """Takes training steps of 50 ms, of which the calling thread runs for a part."""
        for _ in range(round(seconds / 0.05)):
            self.wall += 0.05
            self.work += 0.05 * running
            spare.adapt()


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(threads, "time", clock)
    monkeypatch.setattr(torch, "set_num_threads", lambda number: None)
    return clock


def test_an_idle_machine_keeps_all_threads(clock):
    spare = threads.SpareThreads(8)
    clock.run(spare, 20, running=0.97)
    assert spare.threads == 8


def test_a_busy_machine_gets_fewer_and_an_idle_one_all_again(clock):
    spare = threads.SpareThreads(8)
    clock.run(spare, 0.7, running=0.3)
    assert spare.threads == 1
    clock.run(spare, 4, running=1)
    assert spare.threads == 8


def test_trials_on_a_busy_machine_become_rare(clock):
    spare = threads.SpareThreads(2)
    trials = 0
    for _ in range(1200):  # a minute and more of a machine on which only one thread runs well
        clock.run(spare, 0.05, running=0.3 if spare.threads == 2 else 1)
        trials += spare.threads == 2
    assert 4 <= trials // 4 <= 8


def test_no_fewer_threads_where_numbers_would_change(clock):
    spare = threads.SpareThreads(8, least=8)
    clock.run(spare, 5, running=0.1)
    assert spare.threads == 8


@pytest.mark.parametrize(("setting", "expected"), [("AUTO,STRICT", True), ("AUTO", False), ("OFF", False)])
def test_threads_are_interchangeable_under_strict_products(monkeypatch, setting, expected):
    monkeypatch.setenv("MKL_CBWR", setting)
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: True)
    assert threads.are_interchangeable() is expected
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: False)
    assert not threads.are_interchangeable()


@pytest.mark.skipif(not threads.are_interchangeable(), reason="torch multiplies without MKL, or MKL_CBWR is set")
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize(
    ("activation", "optimizer"), [("relu", "RMSprop"), ("sigmoid", "SGD"), ("tanh", "AdamW"), ("gelu", "Adam")]
)
def test_the_same_weights_on_any_number_of_threads(activation, optimizer, batch_norm):
    images, labels = torch.rand(100, 784), torch.arange(100) % 10
    before, states = torch.get_num_threads(), []
    for number in (1, 2, 3):
        torch.set_num_threads(number)
        torch.manual_seed(0)
        network = MLP([333], activation, batch_norm=batch_norm)
        steps = getattr(torch.optim, optimizer)(network.parameters(), lr=0.01)
        for _ in range(2):
            chain = Chain(network)
            with chain:
                chain.backward(nn.functional.cross_entropy(network(images), labels), Gradients())
            nn.utils.clip_grad_norm_(network.parameters(), 0.5)
            steps.step()
            steps.zero_grad()
        states.append(network.state_dict())
    torch.set_num_threads(before)
    for state in states[1:]:
        for name, value in state.items():
            assert torch.equal(value, states[0][name]), name

import pytest
import torch

from mnist_mlp.training.schedulers import cosine, one_cycle, warmup_cosine


def rates(schedule, steps: int) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    scheduler = schedule(optimizer, steps)
    seen = []
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(seen) < steps:
            scheduler.step()
    return seen


def test_cosine_falls_from_the_optimizers_rate_to_zero():
    seen = rates(cosine, 100)
    assert seen[0] == 0.5
    assert seen[50] == pytest.approx(0.25)
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] < 0.001


def test_one_cycle_peaks_at_the_optimizers_rate():
    seen = rates(one_cycle, 101)
    assert seen[0] == pytest.approx(0.5 / 25)
    assert max(seen) == pytest.approx(0.5, rel=1e-3)
    assert 25 <= seen.index(max(seen)) <= 32
    assert seen[-1] < 0.001


def test_warmup_cosine_peaks_after_the_warmup():
    seen = rates(lambda optimizer, steps: warmup_cosine(optimizer, steps, warmup=0.1), 100)
    assert seen[0] < 0.05
    assert seen[10] == max(seen) == 0.5
    assert seen[55] == pytest.approx(0.25)
    assert seen[-1] < 0.001

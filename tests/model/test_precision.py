import pytest
import torch

from mnist_mlp.model.precision import fastest_precision, matmul_precision


@pytest.mark.parametrize("precision", ["highest", "high", "medium"])
def test_the_precision_holds_within_only(precision):
    before = torch.get_float32_matmul_precision()
    with pytest.raises(KeyboardInterrupt), matmul_precision(precision):
        assert torch.get_float32_matmul_precision() == precision
        raise KeyboardInterrupt
    assert torch.get_float32_matmul_precision() == before


def test_medium_products_are_right_to_three_digits_and_those_after_it_to_more():
    left, right = torch.rand(2, 256, 256, generator=torch.Generator().manual_seed(0))
    exact = (left.double() @ right.double()).float()
    with matmul_precision("medium"):
        torch.testing.assert_close(left @ right, exact, rtol=4e-3, atol=0)
    torch.testing.assert_close(left @ right, exact, rtol=1e-5, atol=0)


@pytest.mark.parametrize(
    ("accelerator", "gpu", "amx", "fastest"),
    [
        ("auto", "new", False, "bf16-mixed"),
        ("auto", "old", True, "32-true"),
        ("auto", None, True, "bf16-mixed"),
        ("auto", None, False, "32-true"),
        ("gpu", "new", False, "bf16-mixed"),
        ("gpu", None, True, "32-true"),  # Apple's
        ("cpu", "new", False, "32-true"),
        ("cpu", "old", True, "bf16-mixed"),
    ],
)
def test_the_fastest_precision_is_that_of_the_accelerator_taken(monkeypatch, accelerator, gpu, amx, fastest):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu is not None)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: gpu == "new")
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert fastest_precision(accelerator) == fastest

import pytest
import torch

from mnist_mlp.model.precision import matmul_precision


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

"""The optimizer Lion (Chen et al. 2023, arXiv:2302.06675)."""

import torch
from torch.optim import Optimizer


class Lion(Optimizer):
    """Moves each weight by the rate in the direction of a moving average of its gradient."""

    def __init__(self, params, lr: float = 1e-4, betas: tuple[float, float] = (0.9, 0.99)) -> None:
        super().__init__(params, {"lr": lr, "betas": betas})

    @torch.no_grad()
    def step(self, closure=None):
        loss = closure() if closure else None  # Lightning computes the gradients in it
        for group in self.param_groups:
            fast, slow = group["betas"]
            for weight in group["params"]:
                average = self.state[weight].setdefault("average", torch.zeros_like(weight))
                if weight.grad is not None:
                    weight.sub_(torch.sign(average.lerp(weight.grad, 1 - fast)), alpha=group["lr"])
                    average.lerp_(weight.grad, 1 - slow)
        return loss

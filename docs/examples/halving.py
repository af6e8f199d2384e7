"""A factor for torch's LambdaLR."""


def halving(epoch: int) -> float:
    """Returns the factor of the learning rate in an epoch, counted from 0."""
    return 0.5**epoch

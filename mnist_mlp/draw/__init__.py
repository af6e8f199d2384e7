"""A page to draw digits on, read while they are drawn: python -m mnist_mlp.draw."""

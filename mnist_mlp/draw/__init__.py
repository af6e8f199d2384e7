"""A page to draw digits on, read live: python -m mnist_mlp.draw."""

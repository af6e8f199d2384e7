"""From a config to a trained and tested network."""

from mnist_mlp.training.ranks import forget_cluster

forget_cluster()  # before Lightning is imported, which reads it

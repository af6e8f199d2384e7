"""Handwritten-digit recognition with multilayer perceptrons: Lightning, Hydra, TensorBoard."""

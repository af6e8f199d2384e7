"""Data sets as tensors in memory, served as whole batches."""

"""Digits, and what is none, as strokes: skeletons that are varied and drawn as MNIST draws."""

"""What may be typed to train.py, and what is said when it may not."""

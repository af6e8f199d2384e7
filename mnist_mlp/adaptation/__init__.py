"""Learning a hand: a start from a trained run, and what own digits brought."""

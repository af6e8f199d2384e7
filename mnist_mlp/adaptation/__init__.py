"""Learning a hand: a start from a trained run, own digits collected and learned."""

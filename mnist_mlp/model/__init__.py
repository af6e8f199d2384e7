"""The network and its losses, plain torch."""

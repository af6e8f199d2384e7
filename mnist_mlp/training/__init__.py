"""From a config to a trained and tested network."""

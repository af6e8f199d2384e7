"""From a picture to digits as MNIST has them."""

"""From a picture to digits as MNIST has them: `digits.digits_in(files.read_picture(path))`."""

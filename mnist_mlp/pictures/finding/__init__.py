"""Where the digits in a picture are: its ink, told from paper, ruling and table, and cut or joined into digits."""

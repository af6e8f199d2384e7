"""python -m mnist_mlp.draw"""

from mnist_mlp.draw.server import main

main()

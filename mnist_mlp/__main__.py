"""What there is to run: python -m mnist_mlp."""

import sys

import mnist_mlp

COMMANDS = """Handwritten digits with multilayer perceptrons. The commands:

  python train.py                       train, sweep, search, continue
  python -m mnist_mlp.predict IMAGE...  read the digits in pictures
  python -m mnist_mlp.draw              a page to draw on
  python -m mnist_mlp.evaluate RUN      what a run reaches on labelled images
  python -m mnist_mlp.report FOLDER     the report of a sweep, again
  python -m mnist_mlp.export RUN        a run as an ONNX file
  tensorboard --logdir outputs          curves and scores of all runs

Each says more with --help. RUN is a run's folder, such as
outputs/2026-11-22/15-05-10-wide-adam."""


def main() -> None:
    """Prints the commands, or the version. Exits with status 2 if anything else is typed."""
    if sys.argv[1:] == ["--version"]:
        print(f"mnist_mlp {mnist_mlp.__version__}")
    elif not set(sys.argv[1:]) - {"--help", "-h", "help"}:
        print(COMMANDS)
    else:
        word = sys.argv[1]
        hint = (
            f"write python -m mnist_mlp.{word}" if f"mnist_mlp.{word} " in COMMANDS else "python -m mnist_mlp lists all"
        )
        print(f"error: {word}: no command of mnist_mlp itself; {hint}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()

"""Writes the report of a sweep, or of any runs, again.

python -m mnist_mlp.report FOLDER... [--by NAME] [--to FOLDER]
"""

import argparse
from pathlib import Path

from mnist_mlp.errors import one_line_errors
from mnist_mlp.sweeps.report import write_report


def main() -> None:
    """Parses the command line and writes the report."""
    parser = argparse.ArgumentParser(prog="python -m mnist_mlp.report", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="a sweep's folder, or run folders")
    parser.add_argument("--by", metavar="NAME", help="of metrics.json, ranks the settings; default: what is monitored")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="where the report goes; default: beside the runs")
    arguments = parser.parse_args()
    with one_line_errors():
        write_report(arguments.folders, arguments.by, arguments.to)


if __name__ == "__main__":
    main()

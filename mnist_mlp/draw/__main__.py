"""A page to draw on, which shows what a run reads in a drawing or a photo, and which pixels speak for the answer.

python -m mnist_mlp.draw [--run RUN] [--compare RUN] [--threshold P] [--host ADDRESS] [--port PORT] [--allow NAME]
    [--collect FOLDER] [--no-browser]
"""

import argparse
import socket
import threading
import webbrowser
from ipaddress import ip_address
from pathlib import Path

import torch
import uvicorn

from mnist_mlp.adaptation.collection import Collection
from mnist_mlp.draw.runs import Runs
from mnist_mlp.draw.server import application
from mnist_mlp.errors import InputError, one_line_errors
from mnist_mlp.predict import add_reader_arguments
from mnist_mlp.reader import best_run

OUTPUTS = Path("outputs")


def main() -> None:
    """Parses the command line and serves the page until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m mnist_mlp.draw", description=(__doc__ or "").partition("\n")[0])
    add_reader_arguments(parser)
    parser.add_argument("--compare", type=Path, metavar="RUN", help="a second run, shown beside the first")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (%(default)s)")
    allow = "a name under which the page is opened too, such as the computer's or a proxy's; may be repeated"
    parser.add_argument("--allow", action="append", default=[], metavar="NAME", help=allow)
    parser.add_argument("--port", type=int, default=8000, help="the port; 0 takes any free one (%(default)s)")
    collect = "keep digits there that are given a label on the page, to learn from them; without it nothing is kept"
    parser.add_argument("--collect", type=Path, metavar="FOLDER", help=collect)
    parser.add_argument("--no-browser", action="store_true", help="do not open the page")
    with one_line_errors():
        serve(parser.parse_args())


def serve(arguments: argparse.Namespace) -> None:
    """Serves the page until Ctrl-C."""
    server = listen(arguments.host, arguments.port)
    typed = [arguments.run or best_run(OUTPUTS), *([arguments.compare] if arguments.compare else [])]
    runs = Runs(typed, OUTPUTS, arguments.threshold)
    torch.set_num_threads(1)  # one digit is read sooner than other threads wake up
    for name in runs.chosen:
        runs.reader(name)  # an unreadable run ends the program here, not when the page is used
    url = url_of(server)
    print(f"run:  {' and '.join(map(str, typed))}\npage: {url} (Ctrl-C ends it)", flush=True)
    if not arguments.no_browser:
        threading.Thread(target=webbrowser.open, args=[url], daemon=True).start()  # some browsers block until closed
    collection = Collection(arguments.collect) if arguments.collect else None
    app = application(runs, arguments.host, arguments.allow, collection)
    config = uvicorn.Config(app, log_level="warning")
    uvicorn.Server(config).run([server])


def listen(host: str, port: int) -> socket.socket:
    """Returns a socket that listens on an address of this machine.

    Raises:
        InputError: The port is in use or out of range, or the address is not this machine's.
    """
    try:
        server = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError, ValueError) as error:  # a name of no host may be a UnicodeError
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot listen on {host} port {port}: {reason}; try another --port or --host") from error
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # otherwise a body waits 40 ms after its headers
    return server


def url_of(server: socket.socket) -> str:
    """Returns the address to type into a browser."""
    host, port = server.getsockname()[:2]
    host = "localhost" if ip_address(host).is_unspecified else host
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


if __name__ == "__main__":
    main()

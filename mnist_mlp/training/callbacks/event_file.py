"""TensorBoard's files, written when the training says so."""

import errno
import io
import os
import socket
import time
from contextlib import suppress
from pathlib import Path

from tensorboard.summary.writer.record_writer import RecordWriter
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.writer import Event, FileWriter  # pyright: ignore[reportAttributeAccessIssue]

from mnist_mlp.errors import InputError


class EventFile(FileWriter):
    """One of TensorBoard's files. Events wait in memory until ``flush``.

    TensorBoard writes in a thread of its own, where nobody can handle the error of a full disk.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"events.out.tfevents.{time.time():.0f}.{socket.gethostname()}.{os.getpid()}"
        self.waiting = io.BytesIO()
        self.add_event(Event(file_version="brain.Event:2"))

    def add_event(self, event: Event, step: int | None = None, walltime: float | None = None) -> None:
        event.wall_time, event.step = time.time(), step or 0
        RecordWriter(self.waiting).write(event.SerializeToString())

    def flush(self) -> None:
        """Raises InputError if the events cannot be written. Then all of them still wait."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab", buffering=0) as file:
                size = file.tell()
                if file.write(self.waiting.getbuffer()) < self.waiting.tell():
                    file.truncate(size)
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written: {error.strerror}") from error
        self.waiting = io.BytesIO()


class Writer(SummaryWriter):
    """torch's writer on such a file."""

    def __init__(self, folder: Path) -> None:
        for events in folder.glob("events.out.tfevents.*"):
            with suppress(OSError):  # TensorBoard may hold it on Windows; then both are shown
                events.unlink()
        self.file_writer = EventFile(folder)
        self.all_writers = {str(folder): self.file_writer}

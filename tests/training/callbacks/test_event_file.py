import resource

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mnist_mlp.errors import InputError
from mnist_mlp.training.callbacks.event_file import Writer


@pytest.fixture
def limit_files():
    """A function that lets no file grow beyond a number of bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_could_not_be_written_is_written_later(tmp_path, limit_files):
    writer = Writer(tmp_path)
    writer.add_scalar("loss", 3.0, 1)
    writer.flush()
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    writer.add_scalar("loss", 2.0, 2)
    limit_files(len(whole) + 10)
    with pytest.raises(InputError, match=f"{path.name}: cannot be written: "):
        writer.flush()
    assert path.read_bytes() == whole
    limit_files(resource.RLIM_INFINITY)
    writer.flush()
    assert [event.value for event in EventAccumulator(str(tmp_path)).Reload().Scalars("loss")] == [3, 2]


def test_a_new_writer_begins_anew(tmp_path):
    for _ in range(2):
        writer = Writer(tmp_path)
        writer.add_scalar("loss", 3.0, 1)
        writer.flush()
    assert len(list(tmp_path.iterdir())) == 1

"""Storage fails once, for a while, or for good. These tests say which faults a save survives."""

import errno
import logging

import pytest
import tensorflow as tf

from limbeck.errors import PassingFaultError, TrainingFailedError
from limbeck.files.local import LocalFileSystem
from limbeck.files.tensorflow import _python_errors
from limbeck.trainer.recovery.checkpoint import Writer, latest, save
from limbeck.trainer.recovery.storage_faults import PAUSES, may_pass
from tests.trainer.recovery.saving import equal, state


def gone(kind, message="HTTP response code 503"):
    """What `limbeck.files` makes of an error of TensorFlow's."""
    with pytest.raises(OSError) as caught, _python_errors("gs://bucket/file"):
        raise kind(None, None, message)
    return caught.value


AWAY = OSError(errno.EBUSY, "HTTP response code 503", "s3://bucket/file")


@pytest.mark.parametrize(("error", "passing"), [
    (gone(tf.errors.UnavailableError), True), (gone(tf.errors.DeadlineExceededError), True),
    (gone(tf.errors.AbortedError), True), (gone(tf.errors.UnknownError), True),
    (gone(tf.errors.ResourceExhaustedError), False), (gone(tf.errors.PermissionDeniedError), False),
    (gone(tf.errors.NotFoundError), False), (gone(tf.errors.FailedPreconditionError), False),
    (OSError(errno.EIO, "I/O error"), True), (OSError(errno.ESTALE, "stale"), True),
    (AWAY, True), (OSError(errno.EHOSTUNREACH, "unreachable"), True), (OSError(errno.ENODEV, "no bucket"), False),
    (OSError(errno.ENOSPC, "full"), False), (OSError(errno.EACCES, "denied"), False), (OSError("?"), False),
])  # fmt: skip
def test_only_some_faults_may_pass(error, passing):
    assert may_pass(error) is passing


class Storage:
    """Wraps an operation on local files. Its first `failures` calls raise an error and do nothing else."""

    def __init__(self, monkeypatch, name, error, failures):
        self.left = failures
        real = getattr(LocalFileSystem, name)

        def wrapped(*arguments):
            if self.left > 0:
                self.left -= 1
                raise error
            return real(*arguments)

        monkeypatch.setattr(LocalFileSystem, name, wrapped)


@pytest.mark.parametrize("name", ["make_folder", "open_to_write", "rename", "names"])
@pytest.mark.parametrize("failures", [1, 2, len(PAUSES)])
def test_a_save_succeeds_when_the_storage_is_back(tmp_path, monkeypatch, caplog, name, failures):
    save(str(tmp_path), state(5), keep=2)
    pauses = []
    writer = Writer(str(tmp_path), 2, pauses.append)
    with monkeypatch.context() as patches, caplog.at_level(logging.WARNING):
        storage = Storage(patches, name, AWAY, failures)
        writer.save(state(10))
        assert storage.left == 0
    assert pauses == list(PAUSES[:failures])
    assert caplog.text.count("HTTP response code 503") == failures
    found = latest(str(tmp_path))
    assert found is not None and equal(found, state(10))
    assert not [path for path in tmp_path.rglob("*") if "unfinished" in path.name]


def test_a_storage_that_stays_away_is_worth_a_restart_and_harms_nothing(tmp_path, monkeypatch):
    save(str(tmp_path), state(5), keep=2)
    pauses = []
    with monkeypatch.context() as patches:
        Storage(patches, "rename", AWAY, 10**6)
        with pytest.raises(PassingFaultError, match=r"step 10 cannot be written .*503.*are unharmed"):
            Writer(str(tmp_path), 2, pauses.append).save(state(10))
    assert pauses == list(PAUSES)
    found = latest(str(tmp_path))
    assert found is not None and equal(found, state(5))


def test_a_full_disk_is_reported_at_once(tmp_path, monkeypatch):
    Storage(monkeypatch, "rename", OSError(errno.ENOSPC, "No space left on device"), 10**6)
    with pytest.raises(TrainingFailedError, match="No space left") as caught:
        Writer(str(tmp_path), 2, lambda _: pytest.fail("it was tried again")).save(state(10))
    assert not isinstance(caught.value, PassingFaultError)

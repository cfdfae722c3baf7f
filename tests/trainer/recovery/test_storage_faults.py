"""Storage fails once, for a while, or for good. These tests say which faults a save survives."""

import errno
import logging

import pytest
import tensorflow as tf

from limbeck.errors import PassingFaultError, TrainingFailedError
from tests.trainer.recovery.saving import equal, state
from trainer.recovery.checkpoint import Writer, latest, save
from trainer.recovery.storage_faults import PAUSES, may_pass


def gone(kind, message="HTTP response code 503"):
    return kind(None, None, message)


@pytest.mark.parametrize(("error", "passing"), [
    (gone(tf.errors.UnavailableError), True), (gone(tf.errors.DeadlineExceededError), True),
    (gone(tf.errors.AbortedError), True), (gone(tf.errors.UnknownError), True),
    (gone(tf.errors.ResourceExhaustedError), False), (gone(tf.errors.PermissionDeniedError), False),
    (gone(tf.errors.NotFoundError), False), (gone(tf.errors.FailedPreconditionError), False),
    (OSError(errno.EIO, "I/O error"), True), (OSError(errno.ESTALE, "stale"), True),
    (OSError(errno.ENOSPC, "full"), False), (OSError(errno.EACCES, "denied"), False), (OSError("?"), False),
])  # fmt: skip
def test_only_some_faults_may_pass(error, passing):
    assert may_pass(error) is passing


class Storage:
    """Replaces a function of `tf.io.gfile`. Its first `failures` calls raise an error and do nothing else."""

    def __init__(self, monkeypatch, name, error, failures):
        self._real, self._error, self.left = getattr(tf.io.gfile, name), error, failures
        monkeypatch.setattr(tf.io.gfile, name, self)

    def __call__(self, *arguments, **options):
        if self.left > 0:
            self.left -= 1
            raise self._error
        return self._real(*arguments, **options)


@pytest.mark.parametrize("name", ["makedirs", "GFile", "rename", "listdir"])
@pytest.mark.parametrize("failures", [1, 2, len(PAUSES)])
def test_a_save_succeeds_when_the_storage_is_back(tmp_path, monkeypatch, caplog, name, failures):
    save(str(tmp_path), state(5), keep=2)
    pauses = []
    writer = Writer(str(tmp_path), 2, pauses.append)
    with monkeypatch.context() as patches, caplog.at_level(logging.WARNING):
        storage = Storage(patches, name, gone(tf.errors.UnavailableError), failures)
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
        Storage(patches, "rename", gone(tf.errors.UnavailableError), 10**6)
        with pytest.raises(PassingFaultError, match=r"step 10 cannot be written .*503.*are unharmed"):
            Writer(str(tmp_path), 2, pauses.append).save(state(10))
    assert pauses == list(PAUSES)
    found = latest(str(tmp_path))
    assert found is not None and equal(found, state(5))


def test_a_full_disk_is_reported_at_once(tmp_path, monkeypatch):
    Storage(monkeypatch, "rename", gone(tf.errors.ResourceExhaustedError, "No space left on device"), 10**6)
    with pytest.raises(TrainingFailedError, match="No space left") as caught:
        Writer(str(tmp_path), 2, lambda _: pytest.fail("it was tried again")).save(state(10))
    assert not isinstance(caught.value, PassingFaultError)

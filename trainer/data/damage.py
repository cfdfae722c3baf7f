"""Passes an error that was found in tf.data on to the training, because TensorFlow turns exceptions into texts.

An error in `tf.numpy_function` reaches a training step as an UnknownError. A launcher would take it for a lost process,
and restart the job again and again, only to read the same damaged bytes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from limbeck.errors import TrainingFailedError, UserError
from limbeck.trainer.process.preemption import PreemptedError

_found: list[Exception] = []


@contextlib.contextmanager
def noting(*kinds: type[Exception]) -> Iterator[None]:
    """Returns a context that remembers an exception of these kinds for `told`, and lets it pass."""
    try:
        yield
    except kinds as error:
        _found.append(error)
        raise


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Returns a context that raises the first remembered exception instead of the error that TensorFlow made of it.

    Examples are read ahead, so other errors may come first. An error that names its own cause passes unchanged, and so
    does a request to end.
    """
    _found.clear()
    try:
        yield
    except (UserError, TrainingFailedError, PreemptedError):
        raise
    except Exception as error:
        if _found:
            raise _found[0] from error
        raise

"""Passes an error that was found in tf.data on to the training, because TensorFlow turns exceptions into texts.

A training step raises an error from `tf.numpy_function` as an UnknownError. A launcher would treat it as a lost
process, and start the job again and again, to read the same damaged bytes.
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
    """Returns a context that raises the first exception that was remembered in it, instead of what came of it.

    Examples are read ahead, so an error that says its own cause, and a request to end, pass as they are.
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

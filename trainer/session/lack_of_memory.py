"""Names the stage of a teacher that ran out of memory, and says what to do.

TensorFlow's message names the device on which it could not allocate a tensor, under a hundred lines about a graph. It
says neither which setting would help, nor that no work is lost.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence

from limbeck.errors import PassingFaultError
from limbeck.settings.pipelining import PipeliningConfig
from limbeck.trainer.pipelining import devices
from limbeck.trainer.session.session import Session

_ALLOCATING = re.compile(r"OOM when allocating tensor with shape(\[[\d,]*\]) and type \S+ on (\S+) by allocator")


@contextlib.contextmanager
def told(session: Session) -> Iterator[None]:
    """Returns a context that turns a stage's lack of memory into an error with advice.

    Raises:
      PassingFaultError: if a job in stages has too little memory. Other processes of the machine may use the memory, so
        another attempt may succeed.
    """
    import tensorflow as tf

    if not session.job.pipelining.is_on:
        yield
        return
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        settings = session.job.pipelining
        lacking = words(str(error), settings, devices.of(settings))
        raise PassingFaultError(
            f"{lacking} for {session.who}. Raise pipelining.stages or pipelining.micro_batches, or take "
            "training.recompute=except_last. Earlier checkpoints are unharmed, and belong to any number of stages"
        ) from error


def words(message: str, settings: PipeliningConfig, names: Sequence[str]) -> str:
    """Returns which stage lacks memory, and for which tensor, as the beginning of a sentence.

    Args:
      message: the message of TensorFlow's error.
      settings: the stages.
      names: the devices of the stages, by their numbers.
    """
    found = _ALLOCATING.search(message)
    if found is None:
        return "a stage has not enough memory"
    shape, device = found.groups()
    ends = [device.lower().endswith(name.lower().lstrip("/")) for name in names]
    stage = settings.place(ends.index(True)) if any(ends) else "a stage"
    return f"{stage} has not enough memory ({device} cannot hold another tensor of shape {shape})"

"""Runs one of our programs to its end, in a process of its own: a fork of a process that has imported TensorFlow.

It uses no GPU. Where there is none, its variables are those of a training process, so one server forks both.
"""

from __future__ import annotations

import collections
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from limbeck.launchers.failure import describe
from limbeck.launchers.local import gpus
from limbeck.launchers.local.environment import environment
from limbeck.launchers.local.processes import LAST_LINES, pass_on, start
from limbeck.trainer.distribution.cluster import SINGLE
from limbeck.trainer.process.gpus import hidden


def run(program: str, arguments: Sequence[str], folder: Path) -> None:
    """Runs a program. Passes on its output, line by line.

    Args:
      program: its module, with `main(arguments)`, which dies with its parent (`limbeck.trainer.process.lifeline`).
      arguments: its arguments.
      folder: its working directory, and the place of its temporary files.

    Raises:
      RuntimeError: if it does not end with 0.
    """
    inherited = gpus.environments(os.environ, 1)[0] if gpus.gpu_count() == 0 else hidden(os.environ)
    variables = environment(inherited, SINGLE, None, failure="", beat="", scratch=str(folder))
    last: collections.deque[str] = collections.deque(maxlen=LAST_LINES)
    process = start([sys.executable, "-m", program, *arguments], variables, folder)
    assert process.stdout is not None  # noqa: S101
    try:
        with process.stdout as lines:
            for line in lines:
                last.append(line)
                pass_on(line)
        code = process.wait()
    except BaseException:
        process.kill()
        raise
    if code != 0:
        raise RuntimeError(f"{program} {describe(code)}:\n{''.join(last)}")

"""Runs one of our programs to its end, in its own process: a fork of a process that has imported TensorFlow.

The program uses no GPU. On a machine without GPUs, its variables equal those of a training process, so one server forks
both.
"""

from __future__ import annotations

import os
import queue
import sys
from collections.abc import Sequence
from pathlib import Path

from limbeck.launchers.failure import Exit, describe
from limbeck.launchers.local import gpus
from limbeck.launchers.local.environment import environment
from limbeck.launchers.local.processes import Process, end
from limbeck.trainer.distribution.cluster import SINGLE
from limbeck.trainer.process.gpus import hidden


def run(program: str, arguments: Sequence[str], folder: Path) -> None:
    """Runs a program. Passes its output on, line by line.

    Args:
      program: its module, with `main(arguments)`, which dies with its parent (`limbeck.trainer.process.lifeline`).
      arguments: its arguments.
      folder: its working directory, and the place of its temporary files.

    Raises:
      RuntimeError: if its exit code is not 0.
    """
    inherited = gpus.environments(os.environ, 1)[0] if gpus.gpu_count() == 0 else hidden(os.environ)
    variables = environment(inherited, SINGLE, None, failure="", beat="", scratch=str(folder))
    exits: queue.SimpleQueue[Exit] = queue.SimpleQueue()
    process = Process(
        0,
        program.rpartition(".")[2],
        command=[sys.executable, "-m", program, *arguments],
        environment=variables,
        folder=folder,
        exits=exits,
    )
    try:
        code = exits.get().code
    finally:
        end([process], 0.0)
    if code != 0:
        raise RuntimeError(
            f"{program} {describe(code)}:\n" + "".join(f"{line}\n" for line in process.last_lines())
        )

"""Gives each process of a job its own GPUs of this machine.

TensorFlow takes every GPU that it sees. Two ranks of a job on one machine would each put a replica on all GPUs. NCCL
refuses, or waits for ever, if two ranks share a device. So each rank sees only its own share, by CUDA_VISIBLE_DEVICES,
which must be set before TensorFlow is imported. All ranks see equally many GPUs, because MultiWorkerMirroredStrategy
assumes that.
"""

from __future__ import annotations

import functools
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from limbeck.errors import ConfigError
from limbeck.trainer.process import gpus, interpreter

_log = logging.getLogger(__name__)
_DEVICE = re.compile(r"nvidia\d+")
_PROBE = "import tensorflow as tf; print('GPUs', len(tf.config.list_physical_devices('GPU')))"
_PROBE_SECONDS = 300


def shares(visible: Sequence[str], ranks: int) -> tuple[tuple[str, ...], ...]:
    """Returns each rank's GPUs, in the order of `visible`: the same number for all ranks. Other GPUs stay idle.

    Args:
      visible: names of GPUs as CUDA_VISIBLE_DEVICES has them: numbers, or `GPU-...`.
      ranks: number of processes on this machine.

    Raises:
      ConfigError: if there are GPUs, but fewer than ranks.
    """
    if not visible:
        return ((),) * ranks
    if len(visible) < ranks:
        raise ConfigError(
            f"{ranks} training processes need at least {ranks} GPUs, and this machine has {len(visible)} "
            f"({', '.join(visible)}): take strategy.name=mirrored or one_device, fewer strategy.workers, or hide the "
            "GPUs by CUDA_VISIBLE_DEVICES=-1"
        )
    each = len(visible) // ranks
    return tuple(tuple(visible[rank * each : (rank + 1) * each]) for rank in range(ranks))


def environments(inherited: Mapping[str, str], ranks: int) -> tuple[dict[str, str], ...]:
    """Returns the launching process's variables for each rank, with the rank's GPUs visible.

    Args:
      inherited: variables of the launching process; not changed.
      ranks: number of processes on this machine.

    Raises:
      ConfigError: as `shares` does.
    """
    shown = gpus.shown(inherited)
    found = visible(shown.get(gpus.VISIBLE), gpu_count)
    idle = len(found) % ranks
    own = shares(found, ranks)
    if found and idle:
        _log.warning("%d of %d GPUs stay idle: %d processes take %d each", idle, len(found), ranks, len(own[0]))
    return tuple(shown | ({gpus.VISIBLE: ",".join(one)} if one else {}) for one in own)


def visible(variable: str | None, count: Callable[[], int]) -> tuple[str, ...]:
    """Returns the names of the GPUs that a process sees with this CUDA_VISIBLE_DEVICES.

    Args:
      variable: the variable, as CUDA reads it: names after the first invalid one are ignored. None if it is not set.
      count: returns the number of GPUs that TensorFlow finds. It is called only if there may be some.
    """
    if variable is None:
        return tuple(str(number) for number in range(count()))
    names: list[str] = []
    for name in variable.split(","):
        if not re.fullmatch(r"\d+|(GPU|MIG)-\S+", name.strip()):
            break
        names.append(name.strip())
    return tuple(names[: count()]) if names else ()


@functools.cache
def gpu_count() -> int:
    """Returns the number of GPUs that TensorFlow finds on this machine, in a new process that hides none.

    The number is determined once in each process. Only TensorFlow knows it, because it cannot use a GPU without CUDA's
    libraries. If there is no NVIDIA device, no process is started.
    """
    if not any(_DEVICE.fullmatch(path.name) for path in Path("/dev").iterdir()):
        return 0
    asked = subprocess.run(
        [sys.executable, "-c", _PROBE],
        env=interpreter.environment(gpus.shown(os.environ)),
        capture_output=True,
        text=True,
        timeout=_PROBE_SECONDS,
        check=False,
    )
    told = re.search(r"^GPUs (\d+)$", asked.stdout, re.MULTILINE)
    return int(told[1]) if told else 0

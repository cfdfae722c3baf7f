"""Settings section `strategy`."""

from __future__ import annotations

from typing import Literal

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.settings.fields import Positive
from limbeck.strategies.registry import strategy_kind


@dataclass(frozen=True, config=STRICT)
class StrategyConfig:
    """How training is spread.

    Attributes:
      name: a `tf.distribute` strategy, in snake case. `one_device`: one replica. `mirrored`: a replica on each device
        of one process, each with all variables. `central_storage`: the same with the variables on the CPU.
        `multi_worker_mirrored`: several processes, with a replica on each GPU, or one where there is none. `tpu`: a
        replica on each core of a TPU; never run so far.
      workers: training processes; by default 2 for `multi_worker_mirrored`, and 1 for the others.
      logical_devices: for `mirrored` and `central_storage`: so many devices made of the CPU, instead of the GPUs that
        there are.
      communication: how gradients are summed over GPUs and processes: `ring`, `nccl`, or what TensorFlow chooses.
    """

    name: str = "multi_worker_mirrored"
    workers: Positive | None = None
    logical_devices: Positive | None = None
    communication: Literal["auto", "ring", "nccl"] = "auto"

    def __post_init__(self) -> None:
        strategy_kind(self.name).check(self)

    @property
    def processes(self) -> int:
        """The number of training processes."""
        return strategy_kind(self.name).processes(self)

"""Settings section `strategy`."""

from __future__ import annotations

import dataclasses
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
        `multi_worker_mirrored`: several processes, with a replica on each GPU, or one where there is none.
        `parameter_server`: workers that do not wait for each other, and servers with the variables; not exact.
        `horovod`: several processes of one replica, whose gradients Horovod sums in a ring; an extra. `tpu`: a replica
        on each core of a TPU; never run so far.
      workers: training processes; by default 2 for `multi_worker_mirrored` and `horovod`, 2 for `parameter_server`
        beside the chief, and 1 for the others.
      parameter_servers: for `parameter_server`: processes that keep the variables; by default 1.
      logical_devices: for `mirrored` and `central_storage`: number of logical devices on the CPU, which are used
        instead of GPUs.
      communication: how gradients are summed over GPUs and processes: `ring`, `nccl`, or what TensorFlow chooses.
    """

    name: str = "multi_worker_mirrored"
    workers: Positive | None = None
    logical_devices: Positive | None = None
    parameter_servers: Positive | None = None
    communication: Literal["auto", "ring", "nccl"] = "auto"

    def __post_init__(self) -> None:
        strategy_kind(self.name).check(self)

    @property
    def servers(self) -> int:
        """The number of processes that keep variables for the others."""
        return strategy_kind(self.name).servers(self)

    @property
    def written_out(self) -> StrategyConfig:
        """The same strategy with its defaults written out."""
        if self.servers:
            return dataclasses.replace(
                self, workers=self.processes - 1 - self.servers, parameter_servers=self.servers
            )
        return dataclasses.replace(self, workers=self.processes)

    @property
    def processes(self) -> int:
        """The number of training processes."""
        return strategy_kind(self.name).processes(self)

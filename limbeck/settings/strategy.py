"""Settings section `strategy`."""

from __future__ import annotations

from typing import Literal

from pydantic.dataclasses import dataclass

from limbeck.errors import ConfigError
from limbeck.records import STRICT
from limbeck.settings.fields import Positive


@dataclass(frozen=True, config=STRICT)
class StrategyConfig:
    """How training is spread.

    Attributes:
      name: a `tf.distribute` strategy, in snake case. `one_device`: one replica. `mirrored`: a replica on each device
        of one process, each with all variables. `central_storage`: the same with the variables on the CPU.
        `multi_worker_mirrored`: several processes, with a replica on each GPU, or one where there is none.
      workers: training processes; by default 2 for `multi_worker_mirrored`, and 1 for the others.
      logical_devices: for `mirrored` and `central_storage`: so many devices made of the CPU, instead of the GPUs that
        there are.
      communication: how gradients are summed over GPUs and processes: `ring`, `nccl`, or what TensorFlow chooses.
    """

    name: Literal["one_device", "mirrored", "multi_worker_mirrored", "central_storage"] = "multi_worker_mirrored"
    workers: Positive | None = None
    logical_devices: Positive | None = None
    communication: Literal["auto", "ring", "nccl"] = "auto"

    def __post_init__(self) -> None:
        if self.name != "multi_worker_mirrored" and self.workers not in (None, 1):
            raise ConfigError(
                f"strategy '{self.name}' runs in one process, but strategy.workers is {self.workers}: "
                "leave strategy.workers out, or take strategy.name=multi_worker_mirrored"
            )
        if self.logical_devices is not None and self.name not in ("mirrored", "central_storage"):
            raise ConfigError(
                f"strategy '{self.name}' has one device a process without GPUs, but strategy.logical_devices is "
                f"{self.logical_devices}: leave it out, or take strategy.name=mirrored or central_storage"
            )
        if self.communication != "auto" and (
            self.logical_devices is not None or self.name in ("one_device", "central_storage")
        ):
            raise ConfigError(
                f"strategy.communication={self.communication} is between GPUs or processes, and strategy "
                f"'{self.name}'{' on logical devices' if self.logical_devices else ''} has none to choose for: leave "
                "strategy.communication out"
            )

    @property
    def processes(self) -> int:
        """The number of training processes."""
        return self.workers or (2 if self.name == "multi_worker_mirrored" else 1)

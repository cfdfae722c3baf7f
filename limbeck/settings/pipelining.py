"""Settings section `pipelining`."""

from __future__ import annotations

from typing import Literal

from pydantic.dataclasses import dataclass

from limbeck.errors import ConfigError
from limbeck.records import STRICT
from limbeck.settings.fields import Positive, runtime

# An update of these follows before the micro-batches of the batch before it are through, so weights are older ones.
_ASYNCHRONOUS = ("2bw", "weight_stashing")


@dataclass(frozen=True, config=STRICT)
class PipeliningConfig:
    """How teachers that are too large for one device are spread over several.

    Attributes:
      stages: devices that the layers of a teacher are spread over, each with some layers in a row. With more than 1,
        `strategy` holds for the students alone.
      micro_batches: parts of a batch that follow each other through the stages, which work at the same time.
      schedule: order of the work: `1f1b` (a micro-batch goes backward as soon as it can), `gpipe` (all go forward, then
        all backward; it holds more activations) or `naive` (one stage works at a time).
      devices: `local`: the GPUs of one process, or so many devices made of the CPU if it has none. `processes`: each
        stage is a process of its own, on its first GPU or its CPU, started where `launcher` says.
    """

    stages: Positive = 1
    micro_batches: Positive = runtime(1)
    schedule: Literal["1f1b", "gpipe", "naive", "2bw", "weight_stashing"] = "1f1b"
    devices: Literal["local", "processes"] = "local"

    def __post_init__(self) -> None:
        if self.schedule in _ASYNCHRONOUS:
            raise ConfigError(
                f"pipelining.schedule={self.schedule} computes gradients at older weights than it updates, and nothing "
                "here runs it yet: take 1f1b, gpipe or naive"
            )
        if self.devices == "processes" and self.stages == 1:
            raise ConfigError(
                "pipelining.devices=processes gives each stage a process of its own, but pipelining.stages is 1: raise "
                "pipelining.stages, or leave pipelining.devices out"
            )
        if self.stages == 1 and self.micro_batches > 1:
            raise ConfigError(
                f"pipelining.micro_batches={self.micro_batches} follow each other through stages, but "
                "pipelining.stages is 1: raise pipelining.stages, or take training.accumulate"
            )

    @property
    def is_on(self) -> bool:
        """Whether there are several stages."""
        return self.stages > 1

    @property
    def processes(self) -> int:
        """The number of processes that the stages are in."""
        return self.stages if self.devices == "processes" else 1

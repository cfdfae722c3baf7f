"""Settings section `pipelining`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic.dataclasses import dataclass

from limbeck.errors import ConfigError
from limbeck.records import STRICT
from limbeck.settings.fields import Positive, runtime

# Under these, a batch enters before the update of the batch before it, so its gradient is that of older weights.
_DELAYED = ("2bw", "weight_stashing")


@dataclass(frozen=True, config=STRICT)
class PipeliningConfig:
    """How teachers that are too large for one device are spread over several.

    Attributes:
      stages: devices that the layers of a teacher are spread over, each with some layers in a row. With more than 1,
        `strategy` holds for the students alone.
      replicas: copies of all stages, each of which computes its part of a batch: `stages * replicas` devices. The
        result is that of one copy, but for batch normalisation and Dropout.
      micro_batches: parts that a replica cuts its part of a batch into. They follow each other through the stages,
        which work at the same time.
      schedule: order of the work: `1f1b` (a micro-batch goes backward as soon as it can), `gpipe` (all go forward, then
        all backward; it holds more activations) or `naive` (one stage works at a time). Experimental, because gradients
        are of older weights: `2bw` (of one update ago) and `weight_stashing` (of K - 1 - s updates ago on stage s).
      devices: `local`: the GPUs of one process, or as many logical devices on its CPU if it has none. `processes`: each
        stage of each replica is a process of its own, on its first GPU or its CPU, started where `launcher` says.
      memory_mib: the memory of each device, in MiB. Each stage must fit it: the cuts are the fastest of those that do.
        Counted are weights, gradients, slots of the optimizer and activations; leave room for what TensorFlow needs
        besides. A teacher that fits in no way is refused. Null: a stage that does not fit fails when it is trained.
    """

    stages: Positive = 1
    replicas: Positive = 1
    micro_batches: Positive = runtime(1)
    schedule: Literal["1f1b", "gpipe", "naive", "2bw", "weight_stashing"] = "1f1b"
    devices: Literal["local", "processes"] = "local"
    memory_mib: Positive | None = None

    def __post_init__(self) -> None:
        self._assert_schedule()
        self._assert_replicas()
        self._assert_memory()
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

    def _assert_schedule(self) -> None:
        if self.schedule in _DELAYED and self.stages == 1:
            raise ConfigError(
                f"pipelining.schedule={self.schedule} is an order of several stages, but pipelining.stages is 1: raise "
                "pipelining.stages, or leave the schedule out"
            )
        if self.schedule == "weight_stashing" and self.micro_batches > 1:
            raise ConfigError(
                "pipelining.schedule=weight_stashing updates the weights after each micro-batch, so each batch is one, "
                f"but pipelining.micro_batches is {self.micro_batches}: leave it out, and take a smaller "
                "training.batch_size"
            )
        if self.schedule == "2bw" and self.micro_batches < self.stages - 1:
            raise ConfigError(
                f"pipelining.schedule=2bw keeps two versions of the weights, which are enough for {self.stages} stages "
                f"with {self.stages - 1} micro-batches or more, but pipelining.micro_batches is {self.micro_batches}: "
                "raise it"
            )

    def _assert_replicas(self) -> None:
        if self.replicas > 1 and self.stages == 1:
            raise ConfigError(
                f"pipelining.replicas={self.replicas} copies the stages of a teacher, but pipelining.stages is 1: "
                "raise pipelining.stages, or take strategy.name=mirrored"
            )
        if self.replicas > 1 and self.schedule in _DELAYED:
            raise ConfigError(
                f"under pipelining.schedule={self.schedule} a stage updates its weights when it has its own gradient, "
                f"but pipelining.replicas={self.replicas} sums the gradients of all replicas before: leave "
                "pipelining.replicas out, or take pipelining.schedule=1f1b"
            )

    def _assert_memory(self) -> None:
        if self.memory_mib is not None and self.stages == 1:
            raise ConfigError(
                f"pipelining.memory_mib={self.memory_mib} is what a stage must fit, but pipelining.stages is 1: raise "
                "pipelining.stages, or leave pipelining.memory_mib out"
            )
        if self.memory_mib is not None and self.schedule in _DELAYED:
            raise ConfigError(
                f"pipelining.schedule={self.schedule} keeps older weights as well, which pipelining.memory_mib="
                f"{self.memory_mib} does not count: leave it out, or take pipelining.schedule=1f1b"
            )

    @property
    def is_delayed(self) -> bool:
        """Whether gradients are those of older weights."""
        return self.is_on and self.schedule in _DELAYED

    @property
    def rule(self) -> Mapping[str, str | int]:
        """What changes the result of a training by more than rounding."""
        if not self.is_delayed:
            return {}
        return {"schedule": self.schedule} | (
            {"stages": self.stages} if self.schedule == "weight_stashing" else {}
        )

    @property
    def is_on(self) -> bool:
        """Whether there are several stages."""
        return self.stages > 1

    @property
    def device_count(self) -> int:
        """The number of devices of all stages of all replicas."""
        return self.stages * self.replicas

    @property
    def processes(self) -> int:
        """The number of processes that the stages are in."""
        return self.device_count if self.devices == "processes" else 1

    def place(self, number: int) -> str:
        """Returns the words for a device by its number: `stage 1`, or `stage 1 of replica 2` if there are several.

        The devices of a replica follow each other, in the order of its stages.
        """
        replica, stage = divmod(number, self.stages)
        return f"stage {stage}" + (f" of replica {replica}" if self.replicas > 1 else "")

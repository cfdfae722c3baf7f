"""The whole tree of settings, and the rules that concern several sections."""

from __future__ import annotations

import dataclasses

from pydantic.dataclasses import dataclass

from limbeck.errors import ConfigError
from limbeck.records import STRICT
from limbeck.settings.beam import BeamConfig
from limbeck.settings.checkpoint import CheckpointConfig
from limbeck.settings.compression import CompressionConfig
from limbeck.settings.containers import ContainerConfig
from limbeck.settings.data import DataConfig
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.drift import DriftConfig
from limbeck.settings.fields import SEEDS, operational
from limbeck.settings.gate import GateConfig
from limbeck.settings.labelling import LabellingConfig
from limbeck.settings.launcher import LauncherConfig
from limbeck.settings.pipelining import PipeliningConfig
from limbeck.settings.recovery import RecoveryConfig
from limbeck.settings.scoring import ScoringConfig
from limbeck.settings.search import SearchConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.student import StudentConfig
from limbeck.settings.teachers import TeachersConfig
from limbeck.settings.training import TrainingConfig
from limbeck.strategies.registry import strategy_kind

# Strategies that put replicas on the devices that stages would have.
_ONE_PROCESS_SEVERAL_DEVICES = ("mirrored", "central_storage")


@dataclass(frozen=True, config=STRICT)
class Config:
    """The whole tree. Each component receives its section, never the whole.

    Attributes:
      controls: the student is trained twice more: on hard labels alone, and on the teachers' pseudo-labels (their most
        probable class). Both controls take the same steps from the same initial weights; another temperature or alpha
        does not train them again.
      containers: what the container of each node gets on a cluster.
    """

    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    beam: BeamConfig = dataclasses.field(default_factory=BeamConfig)
    scoring: ScoringConfig = dataclasses.field(default_factory=ScoringConfig)
    drift: DriftConfig = dataclasses.field(default_factory=DriftConfig)
    strategy: StrategyConfig = dataclasses.field(default_factory=StrategyConfig)
    training: TrainingConfig = dataclasses.field(default_factory=TrainingConfig)
    pipelining: PipeliningConfig = dataclasses.field(default_factory=PipeliningConfig)
    checkpoint: CheckpointConfig = dataclasses.field(default_factory=CheckpointConfig)
    launcher: LauncherConfig = dataclasses.field(default_factory=LauncherConfig)
    recovery: RecoveryConfig = dataclasses.field(default_factory=RecoveryConfig)
    teachers: TeachersConfig = dataclasses.field(default_factory=TeachersConfig)
    labelling: LabellingConfig = dataclasses.field(default_factory=LabellingConfig)
    student: StudentConfig = dataclasses.field(default_factory=StudentConfig)
    distillation: DistillationConfig = dataclasses.field(default_factory=DistillationConfig)
    compression: CompressionConfig = dataclasses.field(default_factory=CompressionConfig)
    search: SearchConfig = dataclasses.field(default_factory=SearchConfig)
    controls: bool = True
    gate: GateConfig = dataclasses.field(default_factory=GateConfig)
    containers: dict[str, ContainerConfig] = operational(factory=dict)

    def __post_init__(self) -> None:
        assert_trainable(self.strategy, self.training)
        assert_pipelinable(self.strategy, self.training, self.pipelining)
        assert_seeds(self.training, self.teachers.count, "teachers.count")
        assert_seeds(self.training, self.student.seeds, "student.seeds")
        if self.strategy.servers and self.launcher.name != "local":
            raise ConfigError(
                f"strategy '{self.strategy.name}' has processes that only launcher.name=local can start so far, but "
                f"launcher.name is {self.launcher.name}: take launcher.name=local, or "
                "strategy.name=multi_worker_mirrored"
            )
        if self.strategy.servers and self.distillation.generations > 1:
            raise ConfigError(
                f"strategy '{self.strategy.name}' keeps variables on servers, and a student that teaches the next one "
                f"cannot be called there; received distillation.generations={self.distillation.generations}: take 1, "
                "or strategy.name=multi_worker_mirrored"
            )
        if self.student.seeds > 1 and not self.controls:
            raise ConfigError(
                f"student.seeds={self.student.seeds} trains students that are compared with their controls, but "
                "controls is false: set controls=true, or student.seeds=1"
            )
        if self.gate.require_gain and not self.controls:
            raise ConfigError(
                "gate.require_gain compares the student with its controls, but controls is false: "
                "set controls=true, or gate.require_gain=false"
            )


def assert_trainable(strategy: StrategyConfig, training: TrainingConfig) -> None:
    """Raises ConfigError if the strategy cannot train with these training settings."""
    strategy_kind(strategy.name).check_training(training)


def assert_pipelinable(strategy: StrategyConfig, training: TrainingConfig, pipelining: PipeliningConfig) -> None:
    """Raises ConfigError if teachers cannot be trained in stages with these settings."""
    if not pipelining.is_on:
        return
    if strategy.name in _ONE_PROCESS_SEVERAL_DEVICES:
        raise ConfigError(
            f"pipelining.stages={pipelining.stages} spreads a teacher over the devices of a process, and "
            f"strategy.name={strategy.name} puts a replica on each of them: take strategy.name=one_device or "
            "multi_worker_mirrored, which then holds for the students alone"
        )
    if training.batch_size % (pipelining.replicas * pipelining.micro_batches):
        replicas = f"pipelining.replicas={pipelining.replicas} times " if pipelining.replicas > 1 else ""
        raise ConfigError(
            f"micro-batches are equal parts of a batch, but training.batch_size={training.batch_size} does not divide "
            f"into {replicas}pipelining.micro_batches={pipelining.micro_batches}: change one of them"
        )
    if pipelining.is_delayed:
        _assert_delayable(training, pipelining.schedule)


def _assert_delayable(training: TrainingConfig, schedule: str) -> None:
    """Raises ConfigError for settings that need the gradient of all stages before the update of any."""
    for setting, value, neutral in (
        ("clip_norm", training.clip_norm, None),
        ("accumulate", training.accumulate, 1),
        ("precision", training.precision if training.precision == "mixed_float16" else None, None),
    ):
        if value != neutral:
            raise ConfigError(
                f"under pipelining.schedule={schedule} a stage updates its weights when it has its own gradient, but "
                f"training.{setting}={value} concerns the gradient of all stages: leave it out, or take "
                "pipelining.schedule=1f1b"
            )


def assert_seeds(training: TrainingConfig, members: int, setting: str) -> None:
    """Raises ConfigError where the seed of the last member of an ensemble is none; `setting` is that of `members`."""
    if training.seed + members > SEEDS:
        raise ConfigError(
            f"each of several models has a seed of its own, from training.seed on, and all must be below 2^32: "
            f"received training.seed={training.seed} and {setting}={members}"
        )

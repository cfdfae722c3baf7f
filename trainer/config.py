"""The configuration: one tree of frozen dataclasses, validated when built.

Dictionaries of strings accept every misspelling and fail an hour later on another machine. Here an unknown key
or a value out of range is an error at once, and names the key, the value and the nearest known key.

Two kinds of field are kept apart. *Structural* fields (the graph, the strategy) are fixed when a pipeline is
compiled. *Runtime* fields, marked by `runtime()`, become an execution property each, so that the Kubeflow form
can edit them; the component that uses one validates it again by building its slice of this tree.
"""

from __future__ import annotations

import dataclasses
import json
import re
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, cast

import pydantic
import yaml
from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from trainer.errors import ConfigError, nearest

Scalar = bool | int | float | str
Positive = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
NotNegative = Annotated[int, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
_Slice = TypeVar("_Slice")

STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def runtime(default: Any) -> Any:
    """A field that a run may change without compiling the pipeline again."""
    return dataclasses.field(default=default, metadata={"runtime": True})


@dataclass(frozen=True, config=STRICT)
class DataConfig:
    """Where the raw examples are.

    Attributes:
      path: folder that holds a folder for each split of the task; null takes the data that the task brings. It may
        hold `{SPAN}`, or `{YYYY}`, `{MM}` and `{DD}`: the newest span is taken.
      span: takes this span instead; with dates, the days since 1970-01-01.
      format: `tfrecord` (serialized tf.Example), `csv` (a header line in every file) or `parquet`.
      encoding: of CSV files, as Python names it.
    """

    path: str | None = runtime(None)
    span: NotNegative | None = None
    format: Literal["tfrecord", "csv", "parquet"] = "tfrecord"
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        if self.span is not None and not re.search(r"\{(SPAN(:\d+)?|YYYY)\}", self.path or ""):
            raise ConfigError(
                f"data.span={self.span} chooses among folders that data.path numbers by {{SPAN}} or by date, but "
                f"data.path is {self.path}: write {{SPAN}} where the number stands, or leave data.span out"
            )


@dataclass(frozen=True, config=STRICT)
class DriftConfig:
    """How far distributions of a feature may lie apart, from 0 (equal) to 1 (nothing in common; never refused).

    Numbers are measured by the Jensen-Shannon divergence, texts by the L-infinity distance.

    Attributes:
      threshold: from the training split that was accepted last to that of this run.
      skew_threshold: from the training split to each of the others.
    """

    threshold: Fraction = runtime(0.3)
    skew_threshold: Fraction = runtime(0.3)


@dataclass(frozen=True, config=STRICT)
class BeamConfig:
    """How Beam runs: `workers` processes on this machine; 1 keeps it in the process of the pipeline."""

    workers: Positive = 1


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


@dataclass(frozen=True, config=STRICT)
class TrainingConfig:
    """How long and in which steps teachers and student are trained.

    Attributes:
      epochs: passes over the training split.
      batch_size: the global batch size: examples in one optimizer step over all replicas together.
      learning_rate: peak learning rate, at the first step after warm-up.
      seed: of initial weights, order and augmentation.
      clip_norm: largest norm of all gradients of a step together; larger ones are scaled down. null: any.
      warmup_steps: optimizer steps in which the learning rate rises in equal parts to its peak.
      schedule: of the learning rate after warm-up: `cosine` and `linear` reach 0 after the last step.
      precision: `float32`, or a Keras policy: `mixed_float16` (with loss scaling) or `mixed_bfloat16`. Variables,
        losses and the exported model are float32 in each.
      steps_per_call: optimizer steps between two returns to Python.
      early_stopping_patience: ends a training after so many epochs in a row without a lower log loss on the
        validation split; null: never.
    """

    epochs: Positive = runtime(10)
    batch_size: Positive = runtime(64)
    learning_rate: PositiveFloat = runtime(1e-3)
    seed: NotNegative = runtime(0)
    clip_norm: PositiveFloat | None = runtime(None)
    warmup_steps: NotNegative = runtime(0)
    schedule: Literal["cosine", "constant", "linear"] = "cosine"
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    steps_per_call: Positive = 20
    early_stopping_patience: Positive | None = None


@dataclass(frozen=True, config=STRICT)
class CheckpointConfig:
    """What a training that dies goes on from.

    Attributes:
      steps: optimizer steps between two checkpoints.
      keep: how many of the newest are kept.
    """

    steps: Positive = 500
    keep: Positive = 3


@dataclass(frozen=True, config=STRICT)
class RecoveryConfig:
    """What becomes of a training job of which a process failed.

    Attributes:
      restarts: how often all its processes are started again.
      backoff_seconds: before the first restart; doubled before each further one.
      heartbeat_seconds: a process that says nothing for so long is taken for hung. It beats every second.
    """

    restarts: NotNegative = 3
    backoff_seconds: Annotated[float, Field(ge=0)] = 1.0
    heartbeat_seconds: PositiveFloat = 60.0


@dataclass(frozen=True, config=STRICT)
class TeachersConfig:
    """The ensemble: `count` teachers that differ in their seed; `hyperparameters` go to `Task.build_teacher`.

    Attributes:
      epochs: passes over the training split for each teacher; null takes `training.epochs`.
    """

    count: Positive = 1
    epochs: Positive | None = None
    hyperparameters: dict[str, Scalar] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, config=STRICT)
class StudentConfig:
    """The student; `hyperparameters` go to `Task.build_student`."""

    hyperparameters: dict[str, Scalar] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, config=STRICT)
class DistillationConfig:
    """The loss (1 - alpha) * hard + alpha * temperature^2 * soft, as in Hinton et al. (2015).

    Attributes:
      temperature: divides the logits of teachers and student before the softmax of the soft term.
      alpha: share of the soft term; 0 is training on labels alone, 1 on soft targets alone.
    """

    temperature: PositiveFloat = runtime(2.0)
    alpha: Annotated[float, Field(ge=0, le=1)] = runtime(0.9)


@dataclass(frozen=True, config=STRICT)
class GateConfig:
    """What makes a student fit to serve.

    Attributes:
      tolerance: how far the student's accuracy on the test split may lie below the teacher's, as a fraction.
      max_bytes: largest serving SavedModel folder, in bytes; null sets no limit.
      max_latency_ms: largest median latency, in milliseconds (batch 1, one thread); null sets no limit.
      require_gain: refuses a student that is not significantly better than the same student on hard labels.
    """

    tolerance: Annotated[float, Field(ge=0, le=1)] = runtime(0.05)
    max_bytes: Positive | None = runtime(None)
    max_latency_ms: PositiveFloat | None = runtime(None)
    # Neither target of the compiler takes a boolean runtime parameter.
    require_gain: bool = False


@dataclass(frozen=True, config=STRICT)
class Config:
    """The whole tree. Each component is given its slice of it, never the whole.

    Attributes:
      controls: trains the student twice more, on hard labels and on the teachers' pseudo-labels.
    """

    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    beam: BeamConfig = dataclasses.field(default_factory=BeamConfig)
    drift: DriftConfig = dataclasses.field(default_factory=DriftConfig)
    strategy: StrategyConfig = dataclasses.field(default_factory=StrategyConfig)
    training: TrainingConfig = dataclasses.field(default_factory=TrainingConfig)
    checkpoint: CheckpointConfig = dataclasses.field(default_factory=CheckpointConfig)
    recovery: RecoveryConfig = dataclasses.field(default_factory=RecoveryConfig)
    teachers: TeachersConfig = dataclasses.field(default_factory=TeachersConfig)
    student: StudentConfig = dataclasses.field(default_factory=StudentConfig)
    distillation: DistillationConfig = dataclasses.field(default_factory=DistillationConfig)
    controls: bool = True
    gate: GateConfig = dataclasses.field(default_factory=GateConfig)

    def __post_init__(self) -> None:
        assert_trainable(self.strategy, self.training)
        if self.gate.require_gain and not self.controls:
            raise ConfigError(
                "gate.require_gain holds the student against its controls, but controls is false: "
                "set controls=true, or gate.require_gain=false"
            )


def assert_trainable(strategy: StrategyConfig, training: TrainingConfig) -> None:
    """Raises ConfigError where a strategy cannot train as configured."""
    if strategy.name == "central_storage" and training.precision != "float32":
        raise ConfigError(
            f"Keras has no mixed precision under strategy 'central_storage', but training.precision is "
            f"{training.precision}: take training.precision=float32, or strategy.name=mirrored"
        )


def build(cls: type[_Slice], values: Mapping[str, Any], prefix: str = "") -> _Slice:
    """Builds a dataclass of this tree from plain values.

    Args:
      cls: `Config` or one of its slices.
      values: nested mappings of plain values, as read from YAML or JSON.
      prefix: dotted place of `cls` in the whole tree, for messages.

    Raises:
      ConfigError: for an unknown key, a missing one, a wrong type or a value out of range.
    """
    try:
        # As JSON, because strict validation of Python values takes no mapping for a dataclass.
        text = json.dumps(values, default=str)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"the configuration holds what JSON cannot say: {error}") from None
    try:
        return TypeAdapter(cls).validate_json(text)
    except pydantic.ValidationError as error:
        raise ConfigError(_explain(cls, error, prefix)) from None


def to_json(value: Any) -> str:
    """Serializes a dataclass of this tree (or one made of such) to JSON with sorted keys."""
    return json.dumps(TypeAdapter(type(value)).dump_python(value, mode="json"), sort_keys=True)


def from_json(cls: type[_Slice], text: str) -> _Slice:
    """Reads what `to_json` wrote. Raises ConfigError as `build` does, and where `text` is not JSON."""
    try:
        return build(cls, json.loads(text))
    except json.JSONDecodeError:
        raise ConfigError(f"expected JSON for {cls.__name__}, received: {text[:80]!r}") from None


def load(layers: Sequence[Mapping[str, Any]]) -> Config:
    """Builds the whole tree from layers of nested mappings; a later layer overrides an earlier one.

    Raises:
      ConfigError: as `build` does.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = _merge(merged, layer)
    return build(Config, merged)


def read_yaml(path: Path) -> dict[str, Any]:
    """Reads one layer from a YAML file, with the safe loader.

    Raises:
      ConfigError: where the file cannot be read, is not YAML, or is not a mapping of sections.
    """
    try:
        loaded = _parse_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the configuration file {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"the configuration file {path} is not YAML: {error}") from None
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise ConfigError(f"{path} must hold sections such as 'training:', but holds: {str(loaded)[:80]}")
    return cast("dict[str, Any]", loaded)


def parse_assignment(text: str) -> dict[str, Any]:
    """Turns `a.b=value` into `{"a": {"b": value}}`; the value is read as YAML.

    Raises:
      ConfigError: where there is no `=`, no key, or the value is not YAML.
    """
    key, equals, value = text.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise ConfigError(f"--set takes key=value, such as training.epochs=5, but received: {text!r}")
    try:
        layer = _parse_yaml(value)
    except yaml.YAMLError:
        raise ConfigError(f"the value of --set {key} is not YAML: {value!r}") from None
    for part in reversed(parts):
        layer = {part: layer}
    return cast("dict[str, Any]", layer)


def runtime_fields(cls: type[Any]) -> tuple[str, ...]:
    """Names of the runtime fields of one slice, in order."""
    return tuple(f.name for f in dataclasses.fields(cls) if f.metadata.get("runtime"))


def structural_fields(cls: type[Any]) -> tuple[str, ...]:
    """Names of the other fields of one slice, in order."""
    return tuple(f.name for f in dataclasses.fields(cls) if not f.metadata.get("runtime"))


class _Loader(yaml.SafeLoader):
    """The safe loader, which takes `1e-3` for a text, taught that it is a number."""

    yaml_implicit_resolvers = yaml.SafeLoader.yaml_implicit_resolvers | {
        first: [
            *yaml.SafeLoader.yaml_implicit_resolvers[first],
            ("tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+\Z")),
        ]
        for first in "-+0123456789"
    }


def _parse_yaml(text: str) -> Any:
    return yaml.load(text, _Loader)  # noqa: S506, it is a safe loader


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _explain(cls: type[Any], error: pydantic.ValidationError, prefix: str) -> str:
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    message = first["msg"]
    if path[-1:] == ["bool"]:
        # The first of the kinds of a `Scalar`, each of which was tried.
        path, message = path[:-1], "Input should be a boolean, a number or a text"
    place = ".".join([prefix, *path] if prefix else path)
    if first["type"] == "unexpected_keyword_argument":
        known = _known_keys(cls, path[:-1])
        return f"unknown configuration key '{place}'.{nearest(path[-1], known)} Known here: {', '.join(known)}"
    return f"configuration key '{place}': {message}; received {first['input']!r}"


def _known_keys(cls: type[Any], path: list[str]) -> list[str]:
    here: Any = cls
    for part in path:
        hint = typing.get_type_hints(here)[part]
        here = next(kind for kind in (hint, *typing.get_args(hint)) if dataclasses.is_dataclass(kind))
    return [f.name for f in dataclasses.fields(here)]

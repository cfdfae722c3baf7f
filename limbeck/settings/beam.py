"""Settings section `beam`, and the flags that Beam gets for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic.dataclasses import dataclass

from limbeck.engines.kind import Processes
from limbeck.engines.registry import engine_kind
from limbeck.records import STRICT
from limbeck.settings.dataflow import DataflowConfig
from limbeck.settings.fields import Positive, operational

# One environment variable for each flag. TFX's cache key counts them, so no setting may change their number.
VARIABLES = tuple(f"LIMBECK_BEAM_FLAG_{number}" for number in range(16))
_WORKERS = ("--direct_num_workers=", "--num_workers=")


@dataclass(frozen=True, config=STRICT)
class BeamConfig:
    """Where and how Beam runs (docs/engines.md).

    Attributes:
      engine: `local`: in the process of the pipeline, or in processes of its machine. `portable`: on a job service of
        Beam's portable protocol. `flink`, `spark`: on a cluster, by Beam's job server in Java for it. `dataflow`: on
        Google Cloud Dataflow, for a compiled pipeline.
      workers: processes of Beam; 1 keeps Beam in the process of the pipeline, with `local`. More than one is faster
        from tens of megabytes of data on, and slower below.
      endpoint: `host:port` of a job service that is there already; null has the run start Beam's own, and end it.
      environment: how an engine other than `local` gets its workers. `external`: from a pool, which keeps a process
        that has imported TensorFlow. `process`: it runs a command for each.
      pool: `host:port` of a worker pool that is there already; null has the run start one on this machine.
      command: path of the program that starts a worker, on the engine's machines; null has the run write one for this
        machine.
      master: address of the cluster of `flink` (http://host:8081) or `spark` (spark://host:7077).
      job_server_jar: path of Beam's job server for `flink` or `spark`, which the run starts and ends; null for one that
        `endpoint` names.
    """

    engine: str = operational("local")
    workers: Positive = operational(1)
    endpoint: str | None = operational(None)
    environment: Literal["external", "process"] = operational("external")
    pool: str | None = operational(None)
    command: str | None = operational(None)
    master: str | None = operational(None)
    job_server_jar: str | None = operational(None)
    dataflow: DataflowConfig = operational(factory=DataflowConfig)

    def __post_init__(self) -> None:
        engine_kind(self.engine).check(self)

    def flags(self, processes: Processes | None = None) -> tuple[str, ...]:
        """Returns the flags of every Beam pipeline.

        Args:
          processes: those of the run; None if there are none.

        Raises:
          ConfigError: if the engine needs the processes of a run.
        """
        return engine_kind(self.engine).flags(self, processes)

    def variables(self, processes: Processes | None = None) -> dict[str, str]:
        """Returns the flags as environment variables. Their names are the same for all settings.

        The last flag fills the variables that are left: a repeated flag changes nothing, and an empty one would be
        refused. Args and errors are those of `flags`.
        """
        flags = self.flags(processes)
        if len(flags) > len(VARIABLES):
            raise ValueError(
                f"Beam is given {len(flags)} flags, and there are {len(VARIABLES)} variables for them"
            )
        padded = flags + flags[-1:] * (len(VARIABLES) - len(flags))
        return dict(zip(VARIABLES, padded, strict=True))


def read_flags(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Returns Beam's flags for this process, whose executor is no Beam executor of TFX.

    They are those that `BeamConfig.variables` wrote, or those of the default settings.
    """
    found = dict.fromkeys(environment[name] for name in VARIABLES if name in environment)
    return tuple(found) or BeamConfig().flags()


def workers_of(flags: Sequence[str]) -> int:
    """Returns how many workers Beam begins with, by the flags that `BeamConfig.flags` returned."""
    counts = [flag[len(name) :] for flag in flags for name in _WORKERS if flag.startswith(name)]
    return max(map(int, counts), default=1)

"""Engine `portable`: any job service of Beam's portable protocol. The run starts Beam's own in Python, or is given one.

Workers are processes of ours in both ways in which an engine may start them (`limbeck.beam_processes`).
"""

from __future__ import annotations

from limbeck.engines import rules
from limbeck.engines.kind import COUNTS, EngineKind, EngineSettings, Processes
from limbeck.errors import ConfigError

# With Beam's default of a minute, the whole job would end, and not only a call that waits.
JOB_SECONDS = 86_400


class Portable(EngineKind):
    """Beam's portable runner."""

    name = "portable"
    starts_processes = True

    def check(self, settings: EngineSettings) -> None:
        """Refuses invalid addresses, and settings of the other way to start workers."""
        rules.assert_no_cluster(settings)
        rules.assert_addresses(settings)
        rules.assert_environment(settings)

    def check_machine(self, settings: EngineSettings) -> None:
        """Refuses an endpoint or a pool that does not listen."""
        for name, value in (("beam.endpoint", settings.endpoint), ("beam.pool", settings.pool)):
            if value is not None:
                rules.assert_listening(name, value)

    def flags(self, settings: EngineSettings, processes: Processes | None = None) -> tuple[str, ...]:
        """Returns the flags that hold for every portable runner."""
        if processes is None:
            raise ConfigError(
                f"beam.engine={self.name} needs the worker pool and the job service of a run on this machine, and a "
                "compiled pipeline has none: set beam.engine=local or dataflow"
            )
        return portable_flags(settings, processes)


def portable_flags(settings: EngineSettings, processes: Processes) -> tuple[str, ...]:
    """Returns the flags that every portable engine needs."""
    return (
        "--runner=PortableRunner",
        f"--job_endpoint={processes.endpoint}",
        *processes.environment_flags(),
        f"--job_name={processes.job_name}",
        f"--job_server_timeout={JOB_SECONDS}",
        # For our own job service. Others have their own settings.
        f"--direct_num_workers={settings.workers}",
        # Otherwise Beam would run `pip freeze`, and every worker would read the list.
        "--experiments=disable_logging_submission_environment",
        f"--experiments={processes.identity}",
        f"--beam_plugin={COUNTS}",
        "--sdk_container_image=none",
    )

"""`engine start`: a cluster of Flink or Spark on this machine, in the foreground, and a job server for it."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from limbeck import temporary
from limbeck.cli import exit_codes, standing_cluster, stopping
from limbeck.counted import counted
from limbeck.engines import java, job_server_jar
from limbeck.engines.cluster import Cluster
from limbeck.engines.kind import Ports
from limbeck.engines.registry import ENGINES
from limbeck.engines.standalone.kind import HOST, Plan, StandaloneKind
from limbeck.engines.standalone.registry import STANDALONE
from limbeck.errors import ConfigError
from limbeck.launchers.local import ports
from limbeck.settings.beam import BeamConfig
from limbeck.trainer.process import lifeline

_LARGEST_PORT = 65535


@dataclasses.dataclass(frozen=True)
class Found:
    """The programs of a cluster that are installed on this machine.

    Attributes:
      kind: the kind of cluster.
      home: folder of the installation.
      version: its version.
      jar: the job server; None if there is none.
    """

    kind: StandaloneKind
    home: Path
    version: str
    jar: Path | None


def execute(arguments: argparse.Namespace) -> int:
    """Starts a cluster, and ends it on a signal. Returns the exit code of the process.

    Raises:
      ConfigError: if the cluster could not start here, before anything is started.
      NotStartedError: if it did not start. Nothing of it is left.
    """
    found = look(arguments)
    temporary.sweep()
    with stopping.signals_as_errors():
        # A test asks this process to end with the test's process.
        lifeline.die_with_parent()
        try:
            with _prepared(arguments, found) as (plan, logs, job_ports):
                return _stand(found, plan, logs, job_ports)
        except stopping.StoppedError as stop:
            print("ended", flush=True)
            return stop.code


def look(arguments: argparse.Namespace) -> Found:
    """Finds the programs of a cluster on this machine.

    Raises:
      ConfigError: if a number is out of its range; if the engine, its job server or Java is not here, or is of a
        version that does not fit.
    """
    for name in ("workers", "cores"):
        if getattr(arguments, name) < 1:
            raise ConfigError(f"--{name} must be at least 1; received {getattr(arguments, name)}")
    kind, jar = STANDALONE[arguments.engine], None
    home = kind.find(arguments.home).resolve()
    if arguments.job_server_jar is not None:
        jar = job_server_jar.assert_fits(
            arguments.job_server_jar, kind.name, metadata.version("apache-beam"), "--job-server-jar"
        )
    version = kind.check(home, jar)
    user = f"{kind.title} {version}"
    java.version(java.find(os.environ, user, "install it, or set JAVA_HOME"), user)
    return Found(kind, home, version, arguments.job_server_jar)


@contextlib.contextmanager
def _prepared(arguments: argparse.Namespace, found: Found) -> Iterator[tuple[Plan, Path, Ports]]:
    """Yields the plan of the cluster, the folder of its logs, and the ports of a job server."""
    port = found.kind.port if arguments.port is None else arguments.port
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(temporary.folder())
        logs = (arguments.logs or folder / "logs").resolve()
        try:
            logs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"--logs must be a folder; received {arguments.logs} ({error.strerror})") from None
        job = stack.enter_context(_held("--job-port", arguments.job_port if found.jar else 0))
        port = stack.enter_context(_held("--port", port))
        second, artifact = stack.enter_context(ports.held(2))
        plan = Plan(found.home, folder, port, second, arguments.workers, arguments.cores)
        yield plan, logs, Ports(job, artifact)


@contextlib.contextmanager
def _held(option: str, port: int) -> Iterator[int]:
    if not 0 <= port <= _LARGEST_PORT:
        raise ConfigError(f"{option} must be from 0 to {_LARGEST_PORT}; received {port}")
    with contextlib.ExitStack() as stack:
        try:
            held = stack.enter_context(ports.held_at(port))
        except OSError as error:
            raise ConfigError(
                f"{option}={port} cannot be used ({error.strerror}): give another port, or 0 for any free one"
            ) from None
        yield held


def _stand(found: Found, plan: Plan, logs: Path, job_ports: Ports) -> int:
    size = f"{counted(plan.workers, 'worker')}, {counted(plan.workers * plan.cores, found.kind.slot)}"
    print(f"starting {found.kind.title} {found.version}: {size}; logs: {logs}", flush=True)
    with standing_cluster.standing(found.kind, plan, logs) as cluster:
        endpoint = None
        if found.jar is not None:
            endpoint = f"{HOST}:{job_ports.job}"
            cluster.start_job_server(job_server(found, plan, job_ports), endpoint)
        print("\n".join(told(found.kind, plan, endpoint)), flush=True)
        lost = cluster.watch(lambda line: print(line, flush=True))
    print(f"error: {found.kind.title} is of no use any more and was ended: {lost}", file=sys.stderr)
    return exit_codes.OUR_FAULT


def job_server(found: Found, plan: Plan, job_ports: Ports) -> tuple[str, ...]:
    """Returns the command of the job server that a run would start for this cluster. Makes the folder that it needs.

    Raises:
      ConfigError: if Java cannot be found any more.
    """
    engine = ENGINES[found.kind.name]
    settings = BeamConfig(
        engine=engine.name, job_server_jar=str(found.jar), master=found.kind.address(plan), workers=plan.workers
    )
    staged = plan.folder / "staged"
    staged.mkdir(exist_ok=True)
    command = engine.job_server(settings, job_ports, staged)
    if command is None:
        raise ValueError(f"engine '{engine.name}' has no job server in Java")
    return command


def told(kind: StandaloneKind, plan: Plan, endpoint: str | None) -> list[str]:
    """Returns the lines that say what to do with a cluster.

    Args:
      kind: its kind.
      plan: its processes.
      endpoint: address of its job server; None if there is none.
    """
    engine = ENGINES[kind.name]
    artifact = engine.artifact.format(metadata.version("apache-beam")) if isinstance(engine, Cluster) else ""
    lines = [
        f"{kind.title} is up at {kind.address(plan)}; its page: {kind.page(plan)}",
        "",
        "For a run on it, add",
    ]
    for what, settings in kind.uses(plan, artifact, endpoint):
        lines += [f"  for {what}:", f"    {settings}"]
    return [*lines, "", "Ctrl-C ends the cluster."]

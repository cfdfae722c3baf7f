"""Starts the processes that an engine needs for a run, and ends them with the run.

    run -- job service --(asks for workers)-- worker pool -- workers
     +---- worker pool
     +---- canceller, if the job service is not the run's

All but the canceller are in the run's session, which is ended as a whole. They also end if the run is killed.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from limbeck import events, reference, temporary
from limbeck.beam_processes import boot, canceller, identity, job_server, ready
from limbeck.engines.kind import Processes
from limbeck.engines.registry import engine_kind
from limbeck.reference import TaskRef
from limbeck.settings.beam import BeamConfig
from limbeck.trainer.process import interpreter


@contextlib.contextmanager
def engine(settings: BeamConfig, task: TaskRef, log: Path, staged: Path) -> Iterator[Processes | None]:
    """Yields the processes of an engine for one run; None if the engine needs none.

    Args:
      settings: the settings of Beam.
      task: the task of the run.
      log: file for the output of workers that a command starts.
      staged: new folder for the files that a job server in Java passes to its cluster, in a folder that all machines
        share. By its content, a worker recognises that it shares the folder. It is removed at the end.

    Raises:
      NotStartedError: if one of the processes does not start.
    """
    if not engine_kind(settings.engine).starts_processes:
        yield None
        return
    events.emit("phase", what=f"starting what the engine '{settings.engine}' needs")
    environment = interpreter.environment(os.environ) | reference.environment(task)
    name = f"limbeck-{uuid.uuid4().hex[:12]}"
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, staged, ignore_errors=True)
        staged.mkdir(parents=True, exist_ok=True)
        seal = staged / name
        seal.touch()
        command = _command(settings, environment, stack.enter_context(temporary.folder()), log)
        # Both import Beam while this process reads sources.
        pool = stack.enter_context(_pool(settings, environment))
        service = stack.enter_context(_job_service(settings, environment, staged))
        wanted = identity.experiment(identity.identity_of(task, str(seal)))
        endpoint = service()
        if settings.endpoint is not None or settings.master is not None:
            # A job service that the run starts ends with the run. Any other goes on.
            stack.enter_context(canceller.watching(settings, endpoint, name))
        yield Processes(endpoint, pool(), command, wanted, name, reference.environment(task))


def write_command(path: Path, environment: Mapping[str, str], log: Path) -> str:
    """Writes the program that starts one worker on this machine. Returns its path.

    An engine starts the program with its own environment, so the program sets all variables that a worker needs.
    """
    names = ("PYTHONPATH", "TF_USE_LEGACY_KERAS", reference.ENVIRONMENT)
    variables = {name: environment[name] for name in names if name in environment} | {boot.LOG: str(log)}
    lines = [
        "#!/bin/sh",
        *(f"export {name}={shlex.quote(value)}" for name, value in variables.items()),
        f'exec {shlex.quote(sys.executable)} -m limbeck.beam_processes.boot "$@"',
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    path.chmod(0o700)
    return str(path)


def _command(settings: BeamConfig, environment: Mapping[str, str], folder: Path, log: Path) -> str | None:
    if settings.environment == "external":
        return None
    return settings.command or write_command(folder / "worker", environment, log)


@contextlib.contextmanager
def _pool(settings: BeamConfig, environment: Mapping[str, str]) -> Iterator[Callable[[], str | None]]:
    """Yields a function that waits for the address of a pool, and returns it; or None if there is no pool."""
    if settings.environment == "process" or settings.pool is not None:
        yield lambda: settings.pool
        return
    options = (f"--spares={settings.workers}", f"--parent={os.getpid()}")
    with ready.starting(_module("pool", *options), environment, "the pool of Beam's workers") as address:
        yield address


@contextlib.contextmanager
def _job_service(
    settings: BeamConfig, environment: Mapping[str, str], staged: Path
) -> Iterator[Callable[[], str]]:
    """Yields a function that waits for the address of a job service, and returns it."""
    if settings.endpoint is not None:
        given = settings.endpoint
        yield lambda: given
    elif settings.job_server_jar is not None:
        with job_server.running(settings, environment, staged) as answering:
            yield lambda: answering
    else:
        command = _module("job_service", f"--parent={os.getpid()}")
        with ready.starting(command, environment, "Beam's job service") as address:
            yield address


def _module(name: str, *options: str) -> list[str]:
    return [sys.executable, "-m", f"limbeck.beam_processes.{name}", *options]

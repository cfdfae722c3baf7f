"""`predict`: scores files of raw data with a pushed student, on any engine of Beam, or on a cluster."""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from limbeck import temporary
from limbeck.cli import exit_codes, raw_data, raw_files, task_source, writable
from limbeck.cli.local_run import attending, ended
from limbeck.cli.local_run.collect import read_events
from limbeck.cli.local_run.run_folder import Request, RunFolder
from limbeck.cli.scoring import JOB
from limbeck.components.bulk_scoring.job import ScoringJob
from limbeck.components.mapping import whole
from limbeck.engines.registry import engine_kind
from limbeck.errors import ConfigError, UserError, nearest
from limbeck.files import is_local
from limbeck.records import to_json
from limbeck.server import versions
from limbeck.settings import sources
from limbeck.settings.config import Config
from limbeck.settings.data import DataConfig

_ALLOWED = ("beam.", "scoring.", "data.format=", "data.encoding=")


def start_scoring(folder: RunFolder) -> attending.Runner:
    """Starts the process that scores."""
    return attending.start_runner(folder, "limbeck.cli.scoring")


def execute(arguments: argparse.Namespace, start: Callable[[RunFolder], attending.Runner] = start_scoring) -> int:
    """Scores. Returns the exit code of the process.

    Args:
      arguments: arguments of the verb.
      start: as in `attending.attend`.

    Raises:
      UserError: if there is no such student, or if the data or the settings are wrong.
    """
    began = time.monotonic()
    root = RunFolder(arguments.root.resolve())
    request = root.request()
    request = dataclasses.replace(request, config=changed(request.config, arguments.assignments))
    job = job_of(arguments, root, request)
    task_source.assert_python(request.task)
    if request.config.scoring.on_cluster:
        request.config.scoring.check_machine()
    else:
        engine_kind(request.config.beam.engine).check_machine(request.config.beam)
    temporary.sweep()
    with temporary.folder() as place:
        folder = RunFolder(place.resolve())
        folder.prepare(request)
        (folder.root / JOB).write_text(to_json(job), encoding="utf-8")
        try:
            code = attending.attend(folder, start, silent=())
        finally:
            # Removed here, because a process that was killed cannot remove its files.
            whole.given_up(job.unfinished)
            shutil.rmtree(job.staged, ignore_errors=True)
        if code != exit_codes.DONE:
            return ended.badly(folder, code, "the process that scores")
        happened = read_events(folder.events)
    [rows] = [one["rows"] for one in happened if one["event"] == "scored"]
    print(f"scored {rows:,} rows in {time.monotonic() - began:.0f} s: {job.output}")
    return exit_codes.DONE


def changed(config: Config, assignments: Sequence[str]) -> Config:
    """Returns the run's settings with some changed. Raises ConfigError for a setting that scoring does not read."""
    for text in assignments:
        if not text.startswith(_ALLOWED):
            raise ConfigError(
                f"predict takes settings of beam.*, scoring.*, data.format and data.encoding; received --set {text}: "
                "the student is trained already"
            )
    return sources.load([json.loads(to_json(config)), *map(sources.parse_assignment, assignments)])


def job_of(arguments: argparse.Namespace, root: RunFolder, request: Request) -> ScoringJob:
    """Returns what is to be scored.

    Raises:
      UserError: if nothing was pushed, or not this version.
      ConfigError: if the output is there already or is no local folder, or if a file has another format.
    """
    found = versions.found(root.serving)
    if not found:
        raise UserError(
            f"there is no student in {root.serving}: a run pushes one when its gate lets it pass. "
            f"See what the last run did: python pipeline.py report {arguments.root}"
        )
    version = max(found) if arguments.version is None else arguments.version
    if version not in found:
        raise UserError(f"there is no version {version} in {root.serving}: there are {', '.join(map(str, found))}")
    output = Path(arguments.output).resolve()
    if output.exists() or not output.parent.is_dir():
        raise ConfigError(f"OUT must be a new folder in one that exists; received {arguments.output}")
    writable.check_folder("OUT", output.parent, arguments.output)
    data = arguments.data
    if is_local(data):
        raw_data.check_whole("DATA", data, request.config.data.format)
        _assert_kept(arguments.keep, raw_files.look(data).files, request.config.data)
        data = str(Path(data).resolve())
    return ScoringJob(
        request.task,
        str(found[version]),
        data,
        request.config.data.format,
        request.config.data.encoding,
        str(output),
        tuple(arguments.keep),
    )


def _assert_kept(keep: Sequence[str], files: Sequence[str], data: DataConfig) -> None:
    for file in files if keep else ():
        names = raw_files.header(file, data.format, data.encoding)
        lacking = [] if names is None else [name for name in keep if name not in names]
        if lacking:
            raise ConfigError(
                f"{file}: there is no column '{lacking[0]}' to keep.{nearest(lacking[0], names or ())} Correct --keep"
            )

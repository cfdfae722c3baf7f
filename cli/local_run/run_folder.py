"""The files of a run and their places in its folder.

A folder holds one run at a time, and always runs of the same task.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic.dataclasses import dataclass

from limbeck import files
from limbeck.cli import stopping
from limbeck.errors import ConfigError
from limbeck.records import STRICT, from_json, to_json
from limbeck.reference import TaskRef
from limbeck.settings.config import Config


@dataclass(frozen=True, config=STRICT)
class Request:
    """What the user asked for. The folder keeps it for the process that runs it, and for the report.

    Attributes:
      task: the task to run.
      config: the settings to run it with.
      accept_schema: whether this run's data replace the accepted schema and statistics.
      again: a node that runs regardless of the cache, as do all nodes after it; null if the cache decides.
    """

    task: TaskRef
    config: Config
    accept_schema: bool = False
    again: str | None = None


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """The paths below the `--root` of a run; `root` is absolute."""

    root: Path

    @property
    def artifacts(self) -> Path:
        """TFX's artifacts, with a folder for each node."""
        return self.root / "pipeline"

    @property
    def metadata(self) -> Path:
        """The ML Metadata store."""
        return self.root / "metadata.sqlite"

    @property
    def serving(self) -> Path:
        """Students that passed the gate, with a folder for each version."""
        return self.root / "serving"

    @property
    def data(self) -> Path:
        """The data that tasks write themselves."""
        return self.root / "data"

    @property
    def accepted(self) -> Path:
        """What data are compared with: accepted schema and statistics (`limbeck.components.anomaly_stop.accepted`)."""
        return self.root / "accepted"

    @property
    def checkpoints(self) -> Path:
        """Checkpoints of trainings, with a folder for each job; see `limbeck.trainer.recovery.job_digest`."""
        return self.root / "checkpoints"

    @property
    def looks(self) -> Path:
        """The students that were judged, with a folder for each test split (`limbeck.components.gate.looks`)."""
        return self.root / "looks"

    @property
    def staged(self) -> Path:
        """Files for Beam's engine and its workers during a run."""
        return self.root / "staged"

    @property
    def log(self) -> Path:
        """The output of TensorFlow, Beam and TFX in the last run."""
        return self.root / "logs" / "run.log"

    @property
    def events(self) -> Path:
        """The events of the last run, as JSON lines."""
        return self.root / "logs" / "events.jsonl"

    @property
    def request_file(self) -> Path:
        """The `Request` of the last run."""
        return self.root / "request.json"

    @property
    def report_json(self) -> Path:
        """The result, for programs."""
        return self.root / "report.json"

    @property
    def report_html(self) -> Path:
        """The result, for people."""
        return self.root / "report.html"

    def request(self) -> Request:
        """Reads the last request. Raises ConfigError if this is not a run folder, or if the request cannot be read."""
        try:
            content = self.request_file.read_bytes()
        except OSError:
            raise ConfigError(
                f"{self.root} is not the root of a run: it has no {self.request_file.name}"
            ) from None
        try:
            return from_json(Request, content.decode())
        except (ConfigError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"{self.request_file} is not a request that this version reads; give another --root ({error})"
            ) from None

    def check_name(self) -> None:
        """Raises ConfigError if the path has a character that TFX, Beam and TensorFlow take for a wildcard."""
        if set(str(self.root)) & set("*?[]"):
            raise ConfigError(
                f"--root must hold none of * ? [ ] in its path, because TFX takes them for wildcards; received "
                f"{self.root}: give another folder"
            )

    def prepare(self, request: Request) -> Callable[[], None]:
        """Prepares the folder for a run of `request`.

        Returns:
          A function that restores the previous request. Call it if this request is refused before any node runs,
          because `rerun` would be refused, too.

        Raises:
          ConfigError: if the folder cannot be written, belongs to another task, or holds something else by a name of a
            run's file.
        """
        self._assert_kinds()
        if self.request_file.exists():
            before, now = self.request().task, request.task
            same_name = (before.module, before.attribute) == (now.module, now.attribute)
            # If the folder of the task was moved, it is the same task. If the old folder still exists, it is another
            # task.
            same_place = before.search_path == now.search_path or before.file() is None
            if not (same_name and same_place) and self._has_results():
                raise ConfigError(
                    f"{self.root} holds runs of the task {_named(before)}, and what they computed; give --root another "
                    f"folder for {_named(now)}"
                )
        last = self.request_file.read_text(encoding="utf-8") if self.request_file.exists() else None
        try:
            with stopping.postponed():
                self.log.parent.mkdir(parents=True, exist_ok=True)
                self.log.write_text("", encoding="utf-8")
                self.events.write_text("", encoding="utf-8")
                # Written completely or not at all, because later runs could not read an incomplete request.
                files.write_text(self.request_file, to_json(request))
        except OSError as error:
            raise ConfigError(f"--root {self.root} cannot be written: {error.strerror}") from None

        def undo() -> None:
            if last is not None:
                files.write_text(self.request_file, last)

        return undo

    def _assert_kinds(self) -> None:
        """Raises ConfigError for a file in the place of a folder, or the reverse. A node would fail after training."""
        folders = (
            self.artifacts,
            self.serving,
            self.data,
            self.accepted,
            self.checkpoints,
            self.looks,
            self.staged,
        )
        plain = (self.metadata, self.log, self.events, self.request_file, self.report_json, self.report_html)
        for place in (*folders, self.log.parent, *plain):
            if place.exists() and place.is_dir() == (place in plain):
                found, wanted = ("folder", "file") if place in plain else ("file", "folder")
                raise ConfigError(
                    f"--root must be a folder of runs, or a new one, but {place} is a {found}, where a run has a "
                    f"{wanted}; give another --root"
                )

    def _has_results(self) -> bool:
        """Whether a run has reached its first node, or has left any file that belongs to its task."""
        places = (self.artifacts, self.serving, self.accepted, self.checkpoints, self.looks, self.data)
        return self.metadata.exists() or any(place.exists() and any(place.iterdir()) for place in places)

    def sweep(self) -> None:
        """Removes what the executors of a killed run left in their temporary folders, such as packed data.

        TFX gives each execution another folder, so no later run would find or remove it. To be called within `alone`.
        """
        for temporary in (self.staged, *self.artifacts.glob("*/.system/executor_execution/*/.temp")):
            shutil.rmtree(temporary, ignore_errors=True)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Locks the folder for this process. Raises ConfigError if another run has locked it."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = (self.root / ".lock").open("w")
        except OSError as error:
            raise ConfigError(_unusable(self.root, error)) from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise ConfigError(
                    f"another run is at work in {self.root}: wait for it, or give another --root"
                ) from None
            yield


def _unusable(root: Path, error: OSError) -> str:
    there = next(path for path in (root, *root.parents) if os.path.exists(path))  # noqa: PTH110, never raises
    # For a new folder, the information in /proc is misleading.
    told = "" if error.errno == errno.ENOENT else f" ({error.strerror})"
    why = f"{there} is a file" if os.path.isfile(there) else f"nothing can be written in {there}{told}"  # noqa: PTH113
    return f"--root {root} cannot be used: it must be a folder, or a new name in one, but {why}; give another"


def _named(task: TaskRef) -> str:
    return f"{task.module} in {task.search_path}" if task.search_path else task.module

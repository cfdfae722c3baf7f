"""What a worker compares itself with: versions, code, and a file that proves that it shares a folder with the process.

A folder with the same name on two machines may be two folders. Then a worker would write into a folder that the process
cannot see, and a job would end without results. So the process writes a file with a new name, the seal, into the folder
of the results. A worker that finds the seal writes an answer beside it, and the process must find this answer.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator

from pydantic.dataclasses import dataclass

from limbeck import files
from limbeck.beam_processes.identity import Identity, identity_of
from limbeck.records import STRICT, to_json
from limbeck.reference import TaskRef

_PREFIX = ".limbeck-seal-"


@dataclass(frozen=True, config=STRICT)
class Wanted:
    """What a worker must be and see.

    Attributes:
      identity: versions and code of the process; its `shared` is the seal.
      task_folder: folder of the task's module on the machine of the process; null if Python finds the module. A worker
        may find it elsewhere (`LIMBECK_TASK_FOLDER`).
      readable: paths or URIs of files that the worker must find.
    """

    identity: Identity
    task_folder: str | None
    readable: tuple[str, ...]


@contextlib.contextmanager
def sealed(folder: str) -> Iterator[str]:
    """Writes a seal into a folder, and yields its path or URI. Removes the seal and all answers at the end."""
    name = f"{_PREFIX}{uuid.uuid4().hex}"
    place = files.join(folder, name)
    files.write_text(place, "")
    try:
        yield place
    finally:
        for found in [one for one in files.names(folder) if one.startswith(name)]:
            files.remove(files.join(folder, found), missing_ok=True)


def wanted(task: TaskRef, seal: str, readable: tuple[str, ...]) -> str:
    """Returns what a worker must be and see, as JSON. Raises TaskError if the task's sources cannot be read."""
    return to_json(Wanted(identity_of(task, seal), task.search_path, readable))

"""The code that runs in a worker: it checks the worker before it works, and returns a user's mistake as a value.

A worker of a cluster may run for weeks, so the code in its memory may be older than the code on its disk. It may join
at any time, also in the middle of a job. So a worker is checked before a job, and again by the first call of each job.

If a function raises an exception, the cluster calls it again. But a wrong row stays wrong. So a mistake of the user is
returned as a value, and the first mistake ends the job.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import pickle
import platform
import sys
import uuid
from collections.abc import Callable
from typing import Any

from pydantic.dataclasses import dataclass

from limbeck import errors, files, moved
from limbeck.beam_processes import faults
from limbeck.beam_processes.identity import Identity, differences, identity_of
from limbeck.components.mapping.seal import Wanted
from limbeck.errors import ConfigError, UserError
from limbeck.moved import LEDGER, Moved
from limbeck.records import STRICT, from_json, to_json
from limbeck.reference import ENVIRONMENT, TaskRef, located, portable
from limbeck.trainer.process import gpus, traffic


@dataclass(frozen=True, config=STRICT)
class Look:
    """What a worker found.

    Attributes:
      host: name of its machine.
      wrong: why it must not work; empty if it may.
      answer: path or URI of the file that it wrote beside the seal; empty if it must not work.
    """

    host: str
    wrong: str
    answer: str = ""

    def wrong_here(self) -> str:
        """Returns why the worker must not work; empty if it may. The process that asked for the check calls this."""
        if self.wrong or files.exists(self.answer):
            return self.wrong
        return f"writes into another folder of the same name: the pipeline does not find its file {self.answer}"


@dataclasses.dataclass(frozen=True)
class Returned:
    """A result of the function.

    Attributes:
      result: the result.
      moved: the bytes that the call read and wrote; None if the kernel of the worker does not count them.
    """

    result: Any
    moved: Moved | None = dataclasses.field(default=None, compare=False)


@dataclasses.dataclass(frozen=True)
class Refused:
    """A mistake of the user that the function found, or a worker that must not work.

    Attributes:
      kind: name of the exception in `limbeck.errors`.
      message: its message.
    """

    kind: str
    message: str

    def error(self) -> UserError:
        """Returns the exception."""
        return getattr(errors, self.kind)(self.message)


def look(wanted: str) -> str:
    """Checks this process against `wanted`, the result of `seal.wanted`. Returns a `Look` as JSON."""
    wrong = what_is_wrong(wanted)
    if wrong:
        return to_json(Look(platform.node(), wrong))
    seal = from_json(Wanted, wanted).identity.shared
    answer = f"{seal}-{uuid.uuid4().hex}"
    try:
        files.write_text(answer, platform.node())
    except OSError as error:
        return to_json(Look(platform.node(), f"cannot write beside {seal}, where the results belong ({error})"))
    return to_json(Look(platform.node(), "", answer))


def result_of(said: Returned | Refused) -> Any:
    """Returns the result of a call, and adds what its worker read and wrote to the ledger.

    Raises:
      UserError: if the call was refused.
    """
    if isinstance(said, Refused):
        raise said.error()
    if said.moved is not None:
        LEDGER.add([said.moved])
    return said.result


def packed(function: Callable[[Any], Any], item: Any) -> bytes:
    """Returns a call of a function for an item, as `call` takes it."""
    return pickle.dumps((function, item))


def call(wanted: str, work: bytes) -> Returned | Refused:
    """Calls a function for an item, unless this worker must not work. Other exceptions than UserError pass.

    Args:
      wanted: what `seal.wanted` returns.
      work: what `packed` returns. It is unpickled only here. So a scheduler needs none of its modules, and a worker
        with other code is refused before it looks for them.
    """
    wrong = what_is_wrong(wanted)
    if wrong:
        return Refused("UserError", refusal(platform.node(), wrong))
    # Before TensorFlow is imported, as in the pipeline's own process. GPUs are hidden, because they round differently.
    os.environ.update(gpus.hidden(os.environ) | {"TF_USE_LEGACY_KERAS": "1"})
    try:
        with faults.unmarked():
            before = traffic.by_calls()
            function, item = pickle.loads(work)  # noqa: S301, code of ours for a worker of ours, as clusters send it
            return Returned(function(item), moved_since(before))
    except UserError as error:
        return Refused(_known_kind(type(error)), str(error))


def moved_since(before: tuple[int, int] | None) -> Moved | None:
    """Returns what this process read and wrote since `traffic.by_calls` returned `before`; None if that is unknown."""
    calls = traffic.calls_since(before)
    return None if calls is None else Moved(moved.this_process(), *calls)


def refusal(host: str, wrong: str) -> str:
    """Returns the message about a worker that must not work."""
    return (
        f"every worker must run and see what the pipeline does, but the worker on {host} {wrong}: install the same "
        "packages and code there, share the folders of the pipeline under the same paths, and start the worker again"
    )


def task_here(task: TaskRef) -> TaskRef:
    """Returns the reference, with the folder that the environment variable LIMBECK_TASK_FOLDER names if it is set."""
    return located(portable(task), os.environ) if ENVIRONMENT in os.environ else task


# Runs once in each process for each job, because a worker may join in the middle of a job.
@functools.lru_cache(maxsize=8)
def what_is_wrong(wanted: str) -> str:
    """Returns what this process lacks, in words; empty if it may work."""
    try:
        job = from_json(Wanted, wanted)
    except ConfigError:
        return "has other code of Limbeck"
    found = _differences(job)
    if found:
        return f"has {'; '.join(found)}"
    missing = [place for place in (job.identity.shared, *job.readable) if not files.exists(place)]
    return f"does not find {', '.join(missing)}, which the pipeline sees" if missing else ""


def _differences(job: Wanted) -> list[str]:
    try:
        own = identity_of(task_here(dataclasses.replace(job.identity.task, search_path=job.task_folder)))
    except UserError as error:
        return [f"no copy of the task ({error})"]
    return differences(job.identity, own) + _stale(own)


# Keeps the digests that this process saw first, because Python does not import a module again when its file changes.
_first_seen: dict[str, str] = {}


def _stale(own: Identity) -> list[str]:
    found = []
    if _first_seen.setdefault("", own.code) != own.code:
        found.append("an older copy of Limbeck's code in its memory")
    if own.task.module not in sys.modules:
        _first_seen[own.task.module] = own.task_code
    elif _first_seen.setdefault(own.task.module, own.task_code) != own.task_code:
        found.append("an older copy of the task's code in its memory")
    return found


def _known_kind(kind: type[UserError]) -> str:
    """Returns the name of the nearest base class that every process knows."""
    return next(one.__name__ for one in kind.__mro__ if getattr(errors, one.__name__, None) is one)

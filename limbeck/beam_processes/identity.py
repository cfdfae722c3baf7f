"""Refuses a worker that runs other code than the pipeline, or does not see its files.

A worker unpickles functions by the names of their modules. On a machine with an older copy of our code, or with another
TensorFlow, it finds these names, too, and silently computes something else. So the pipeline sends the required versions
and code digests with each job, and the worker compares them with its own.

Beam does not pass unknown options on to workers. It passes experiments on, so the identity is sent as an experiment.
"""

from __future__ import annotations

import base64
import hashlib
import os
import platform
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

from pydantic.dataclasses import dataclass

from limbeck.digests.code import code_digest
from limbeck.digests.sources import ROOT
from limbeck.errors import ConfigError
from limbeck.records import STRICT, from_json, to_json
from limbeck.reference import TASKS, TaskRef, located, portable

PACKAGES = (
    *(
        "apache-beam",
        "tensorflow",
        "tf-keras",
        "tfx",
        "tfx-bsl",
        "tensorflow-transform",
        "numpy",
        "dill",
        "pyarrow",
    ),
    *("tensorflow-data-validation", "tensorflow-model-analysis"),
)
_EXPERIMENT = "limbeck_identity="
# Folders that workers never need, and that an image for them leaves out.
_ELSEWHERE = ("cli", "server", "kubeflow", "pipeline.py", "student_half.py", "__main__.py")
# Messages show only the first digits of digests.
_SHOWN = 12


@dataclass(frozen=True, config=STRICT)
class Identity:
    """The versions and the code that a process of a job runs.

    Attributes:
      versions: versions of Python and of packages, by name.
      code: digest of Limbeck's source files.
      task: where the task is imported from, without its folder.
      task_code: digest of a user's task; of a built-in task, which is a part of Limbeck, it is empty.
      shared: path of a file that only this run has, in a folder that all machines must share; empty for a worker.
    """

    versions: dict[str, str]
    code: str
    task: TaskRef
    task_code: str
    shared: str = ""


def identity_of(task: TaskRef, shared: str = "") -> Identity:
    """Returns the identity of this process for jobs of a task. `shared` is as in `Identity`.

    Raises:
      TaskError: if the task's sources are not Python, or are not here.
    """
    versions = {name: _version(name) for name in PACKAGES}
    return Identity(
        {"python": platform.python_version()} | versions,
        sources_digest(),
        portable(task),
        _task_digest(task),
        shared,
    )


def sources_digest(root: Path = ROOT / "limbeck") -> str:
    """Returns the SHA-256, in hexadecimal, of names and contents of the Python files that a worker may run."""
    total = hashlib.sha256()
    for folder, below, names in os.walk(root, followlinks=True):
        left_out = _ELSEWHERE if Path(folder) == root else ()
        below[:] = sorted(set(below) - set(left_out))
        for name in sorted(set(names) - set(left_out)):
            if name.endswith(".py"):
                path = Path(folder, name)
                content = path.read_bytes()
                total.update(f"{path.relative_to(root)}\0{len(content)}\0".encode() + content)
    return total.hexdigest()


def experiment(identity: Identity) -> str:
    """Returns the identity as the name of an experiment, which `wanted` reads."""
    return _EXPERIMENT + base64.urlsafe_b64encode(to_json(identity).encode()).decode()


def wanted(experiments: Iterable[str]) -> Identity | None:
    """Returns the identity among the experiments of a job; None if there is none.

    Raises:
      ConfigError: if it was written by another version that has other fields.
    """
    for one in experiments:
        if one.startswith(_EXPERIMENT):
            return from_json(Identity, base64.urlsafe_b64decode(one.removeprefix(_EXPERIMENT)).decode())
    return None


def assert_fit(job: Identity | None, variables: Mapping[str, str]) -> None:
    """Raises ConfigError if this process must not work for a job.

    Args:
      job: identity of the pipeline; None if it is not known.
      variables: the environment of this process, which may name the folder of the task.

    Raises:
      TaskError: if the task's sources are not Python, or are not here.
    """
    if job is None:
        raise ConfigError(
            "this worker pool works for Limbeck alone, and the job does not say which version of it: start it with "
            "`python pipeline.py run`"
        )
    if job.shared and not Path(job.shared).is_file():
        raise ConfigError(
            f"workers of Beam open the files of the pipeline, but on {platform.node()} there is no {job.shared}, which "
            "the pipeline has just written: take a folder on a file system that all machines share"
        )
    own = identity_of(located(job.task, variables))
    found = differences(job, own)
    if found:
        raise ConfigError(
            f"every Beam worker must run what the pipeline runs, but the worker on {platform.node()} has "
            f"{'; '.join(found)}: install the same packages and code there, and start the worker pool again"
        )


def differences(job: Identity, own: Identity) -> list[str]:
    """Returns the differences between a worker and the job, with both values, in words."""
    found = [
        f"{name} {own.versions.get(name)} (the pipeline: {job.versions.get(name)})"
        for name in sorted(job.versions | own.versions)
        if own.versions.get(name) != job.versions.get(name)
    ]
    pairs = {"Limbeck's code": (own.code, job.code), "the task's code": (own.task_code, job.task_code)}
    for name, (mine, theirs) in pairs.items():
        if mine != theirs:
            found.append(f"{name} with digest {mine[:_SHOWN]} (the pipeline: {theirs[:_SHOWN]})")
    return found


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "none"


def _task_digest(task: TaskRef) -> str:
    file = task.file()
    if file is not None and file.is_relative_to(TASKS):
        return ""
    return code_digest([task.module], [] if task.search_path is None else [task.search_path])

"""Checks, before the first step, that all processes of a job run the same code, versions and data.

Machines are set up one by one. If one of them has another TensorFlow, an older copy of our code, or other data under
the same path, nothing fails. The gradients of two different models are added up, and the result is wrong. So each
process publishes what it runs (`limbeck.trainer.distribution.coordination`), and is compared with the chief.
"""

from __future__ import annotations

import dataclasses
import json
import platform
from importlib import metadata

from limbeck.digests.code import code_digest
from limbeck.errors import UserError
from limbeck.trainer.distribution import coordination
from limbeck.trainer.distribution.cluster import ClusterTask

PACKAGES = ("tensorflow", "tf_keras", "numpy")
# All processes have started when the strategy is built. At most, they still compute a digest of the data.
PATIENCE_SECONDS = 600.0
_CODE = "limbeck.trainer.worker"


@dataclasses.dataclass(frozen=True)
class Identity:
    """What a process runs.

    Attributes:
      versions: versions of Python and of packages, by name.
      code: digest of the trainer's code.
      job: digest of the job.
    """

    versions: dict[str, str]
    code: str
    job: str


def identity_of(job_digest: str) -> Identity:
    """Returns the identity of this process.

    Args:
      job_digest: digest of what is trained, and on which data. The process must have computed it itself.
    """
    versions = {name: metadata.version(name) for name in PACKAGES}
    return Identity({"python": platform.python_version()} | versions, code_digest([_CODE]), job_digest)


def meet(me: ClusterTask, mine: Identity, patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Compares this process with the chief, or the chief with every other process.

    All processes must call it, after the strategy was built.

    Args:
      me: this process.
      mine: what this process runs.
      patience_seconds: how long to wait for another process, in seconds.

    Raises:
      UserError: if a process differs. The message names the process, what differs, and both values.
      TimeoutError: if a process has not called it within `patience_seconds`.
      tensorflow.errors.OpError: if a process is lost.
    """
    if me.processes == 1:
        return
    coordination.publish(_key(me.rank), json.dumps(dataclasses.asdict(mine)))
    if not me.is_chief:
        assert_same(chief=_identity(0, me, patience_seconds), other=mine, rank=me.rank)
        return
    for rank in range(1, me.processes):
        assert_same(chief=mine, other=_identity(rank, me, patience_seconds), rank=rank)


def assert_same(chief: Identity, other: Identity, rank: int) -> None:
    """Raises UserError if the identity of the process with this rank differs from the chief's."""
    differences = [
        f"{name} {other.versions.get(name)} (the chief: {chief.versions.get(name)})"
        for name in sorted(chief.versions | other.versions)
        if other.versions.get(name) != chief.versions.get(name)
    ]
    if other.code != chief.code:
        differences.append(f"the code of the trainer with digest {other.code} (the chief: {chief.code})")
    if not differences and other.job != chief.job:
        # If versions or code differ, the digests of the job differ, too, and would tell nothing new.
        differences.append(f"a job (task, settings, data) with digest {other.job} (the chief: {chief.job})")
    if differences:
        raise UserError(
            f"all processes of a job must run the same, but the process of rank {rank} has {'; '.join(differences)}: "
            "install the same packages and code, and give the same task and data, on all machines"
        )


def _identity(rank: int, me: ClusterTask, patience_seconds: float) -> Identity:
    return Identity(**json.loads(coordination.wait_for(_key(rank), me, patience_seconds)))


def _key(rank: int) -> str:
    return f"limbeck/identity-{rank}"

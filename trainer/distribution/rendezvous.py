"""The processes of a job make sure, before the first step, that they are about to do the same.

Machines are set up one by one. Where one has another TensorFlow, an older copy of our code or other data under the
same path, nothing fails: the gradients of two different models are added up, and the result is wrong. So each process
says what it runs in the key-value store of the coordination service, which is up once the strategy is built, and is
held against the chief.
"""

from __future__ import annotations

import dataclasses
import json
import platform
from importlib import metadata

from limbeck.digests.code import code_digest
from limbeck.errors import UserError
from trainer.distribution import coordination
from trainer.distribution.cluster import ClusterTask

PACKAGES = ("tensorflow", "tf_keras", "numpy")
# All are here when the strategy is built, and say this next: what is waited for is a digest of the data at most.
PATIENCE_SECONDS = 600.0
_CODE = "trainer.worker"


@dataclasses.dataclass(frozen=True)
class Identity:
    """What a process runs: versions by package, and digests of our code and of its job."""

    versions: dict[str, str]
    code: str
    job: str


def identity_of(job_digest: str) -> Identity:
    """The identity of this process.

    Args:
      job_digest: stands for what is trained, on what data: of the process' own making, not handed over.
    """
    versions = {name: metadata.version(name) for name in PACKAGES}
    return Identity({"python": platform.python_version()} | versions, code_digest([_CODE]), job_digest)


def meet(me: ClusterTask, mine: Identity, patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Returns when this process is known to run the same as the chief; on the chief, the same as every other.

    To be called by all processes, after the strategy was built.

    Raises:
      UserError: where one differs; names it, what differs, and both values.
      TimeoutError: where a process has not come here within `patience_seconds`.
      tensorflow.errors.OpError: where a process was lost.
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
    """Raises UserError where the process of this rank runs something else than the chief."""
    differences = [
        f"{name} {other.versions.get(name)} (the chief: {chief.versions.get(name)})"
        for name in sorted(chief.versions | other.versions)
        if other.versions.get(name) != chief.versions.get(name)
    ]
    if other.code != chief.code:
        differences.append(f"the code of the trainer with digest {other.code} (the chief: {chief.code})")
    if not differences and other.job != chief.job:
        # Where versions or code differ, so do the digests of the job: that would say nothing more.
        differences.append(f"a job (task, settings, data) with digest {other.job} (the chief: {chief.job})")
    if differences:
        raise UserError(
            f"all processes of a job must run the same, but the one of rank {rank} has {'; '.join(differences)}: "
            "install the same packages and code, and give the same task and data, on all machines"
        )


def _identity(rank: int, me: ClusterTask, patience_seconds: float) -> Identity:
    return Identity(**json.loads(coordination.wait_for(_key(rank), me, patience_seconds)))


def _key(rank: int) -> str:
    return f"limbeck/identity-{rank}"

"""Refuses a node that runs other code than the pipeline.

A node has its own copy of Limbeck and its own packages, and old versions do not cause an error. The processes of a job
compare themselves with their chief (`limbeck.trainer.distribution.rendezvous`), but all nodes may have the same old
code, and a single process has no other process to compare with. Then a wrong result would be in the cache under the
digest of the present code. So each node reports its versions and code before it trains, and they are compared with
those of the pipeline.
"""

from __future__ import annotations

import dataclasses

from limbeck.errors import UserError
from limbeck.trainer.distribution import rendezvous

# Messages show only the first digits of digests.
_SHOWN = 12


@dataclasses.dataclass(frozen=True)
class Identity:
    """Versions of Python and of packages, by name, and the digest of the trainer's code."""

    versions: dict[str, str]
    code: str


def own_identity() -> Identity:
    """Returns the identity of this process."""
    mine = rendezvous.identity_of("")
    return Identity(mine.versions, mine.code)


def assert_same(pipeline: Identity, node: Identity, host: str) -> None:
    """Raises UserError if a node, at the address `host`, has other versions or other code than the pipeline."""
    found = [
        f"{name} {node.versions.get(name)} (the pipeline: {pipeline.versions.get(name)})"
        for name in sorted(pipeline.versions | node.versions)
        if node.versions.get(name) != pipeline.versions.get(name)
    ]
    if node.code != pipeline.code:
        found.append(
            f"the trainer's code with digest {node.code[:_SHOWN]} (the pipeline: {pipeline.code[:_SHOWN]})"
        )
    if found:
        raise UserError(
            f"every node of a Ray cluster must run what the pipeline runs, but the node {host} has "
            f"{'; '.join(found)}: install the same packages and code there, and start Ray there again"
        )

"""Decides which nodes run again when a user asks for one of them.

A node that ran again has new outputs, so TFX would run most of the following nodes anyway. But some following nodes may
also take inputs from other nodes, and a user does not think of cache keys. So all following nodes run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from limbeck.errors import ConfigError, nearest


def assert_known(node: str, known: Collection[str]) -> None:
    """Raises ConfigError if `node` is not among the known ids."""
    if node not in known:
        raise ConfigError(f"the pipeline has no node '{node}'.{nearest(node, known)} Nodes: {', '.join(known)}")


def reached(node: str, after: Mapping[str, Iterable[str]]) -> set[str]:
    """Returns the ids of a node and of all nodes that follow it, directly or not.

    Args:
      node: id of the first one.
      after: ids of the nodes that directly follow each node.

    Raises:
      ConfigError: if there is no such node.
    """
    assert_known(node, list(after))
    found, waiting = {node}, [node]
    while waiting:
        new = set(after[waiting.pop()]) - found
        found |= new
        waiting += new
    return found

"""The state of each node in a run, from the run's events."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any


@dataclasses.dataclass(frozen=True)
class NodeState:
    """A node of a run.

    Attributes:
      node: its id.
      ended: how far it came: `12.3 s`, `cached`, `failed`, `not finished` or `not reached`.
    """

    node: str
    ended: str


def read(events: Sequence[dict[str, Any]]) -> tuple[NodeState, ...]:
    """Returns the nodes of the last run in their order; empty if the run ended before its graph was made."""
    ended: dict[str, str] = {}
    for event in events:
        kind = event["event"]
        if kind == "pipeline":
            ended = dict.fromkeys(event["nodes"], "not reached")
        elif kind == "node_started":
            ended[event["node"]] = "not finished"
        elif kind == "node_finished":
            ended[event["node"]] = "cached" if event["cached"] else f"{event['seconds']:.1f} s"
        elif kind == "failed":
            ended = {node: "failed" if how == "not finished" else how for node, how in ended.items()}
    return tuple(NodeState(node, how) for node, how in ended.items())

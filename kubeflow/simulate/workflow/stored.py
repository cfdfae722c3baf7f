"""Stores specs as parameters of the workflow, under a hash of the container, as KFP's compile step does.

The hash covers only the container. So if two components have equal containers, the second silently gets the outputs,
types and defaults of the first. One different argument is enough to separate them. DAGs and importers have no
container, and are stored under the name of their component.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from limbeck.kubeflow.simulate.upload.fields import MESSAGES
from limbeck.kubeflow.simulate.values import ESCAPED, stable_json


class Stored:
    """The parameters of the workflow, in the order in which they were stored."""

    def __init__(self, components: dict[str, Any], executors: dict[str, Any]) -> None:
        self._components = components
        self._executors = executors
        self.parameters: dict[str, str] = {}

    def keep(self, room: str, name: str, message: Any) -> None:
        """Stores a message, unless there already is one."""
        self.parameters.setdefault(self._key(room, name), stable_json(message))

    def reference(self, room: str, name: str) -> str:
        """Returns a template's reference to a stored message; empty if there is none."""
        key = self._key(room, name)
        return f"{{{{workflow.parameters.{key}}}}}" if key in self.parameters else ""

    def _key(self, room: str, name: str) -> str:
        if room == "kubernetes" or name == "root":
            return f"{room}-{name}"
        label = self._components.get(name, {}).get("executorLabel", "")
        container = self._executors.get(label, {}).get("container")
        return f"{room}-{name if container is None else container_hash(container)}"


def container_hash(container: dict[str, Any]) -> str:
    """Returns the SHA-256 of the container, in the form in which Go's encoder writes its struct."""
    text = json.dumps(struct("Container", container), separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.translate(ESCAPED).encode()).hexdigest()


def struct(kind: str, message: dict[str, Any]) -> dict[str, Any]:
    """Returns a message with its fields in the order of the struct, and with names in snake case."""
    ordered: dict[str, Any] = {}
    for field in MESSAGES[kind].fields:
        if field.name not in message:
            continue
        value = message[field.name]
        if field.kind in MESSAGES:
            value = [struct(field.kind, one) for one in value] if field.many else struct(field.kind, value)
        ordered[field.proto_name] = int(value) if field.kind == "int64" else value
    return ordered

"""Paths of this machine -> paths of a container, wherever an invocation holds one: URIs, properties, JSON in JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from limbeck.components.graph.context import Storage

DATA, RUN, TASK = "/mnt/data", "/mnt/run", "/mnt/task"
ACCEPTED, SERVING = "/mnt/accepted", "/mnt/serving"


@dataclasses.dataclass(frozen=True)
class Relocation:
    """Moves what stands below some folders.

    Attributes:
      moves: new folders by old ones.
    """

    moves: Mapping[str, str]

    @classmethod
    def of(cls, storage: Storage, search_path: str | None) -> Relocation:
        """Of a run: its artifacts, data, accepted and served folders, and that of the user's task."""
        moves = {storage.root: RUN, storage.data: DATA, storage.accepted: ACCEPTED, storage.serving: SERVING}
        return cls(moves if search_path is None else {**moves, search_path: TASK})

    def text(self, text: str) -> str:
        """A text with every path moved."""
        # The longest first: a folder may stand within another.
        for old in sorted(self.moves, key=len, reverse=True):
            text = text.replace(old, self.moves[old])
        return text

    def value(self, value: Any) -> Any:
        """An ML Metadata `Value` with every path moved."""
        moved = type(value)()
        moved.CopyFrom(value)
        if value.HasField("string_value"):
            moved.string_value = self.text(value.string_value)
        return moved

    def artifact(self, artifact: Any) -> Any:
        """A TFX artifact with its URI and all its properties moved."""
        from tfx.types import artifact_utils

        moved = type(artifact.mlmd_artifact)()
        moved.CopyFrom(artifact.mlmd_artifact)
        moved.uri = self.text(moved.uri)
        for values in (moved.properties, moved.custom_properties):
            for name in values:
                values[name].CopyFrom(self.value(values[name]))
        return artifact_utils.deserialize_artifact(artifact.artifact_type, moved)

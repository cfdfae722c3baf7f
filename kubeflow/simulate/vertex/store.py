"""Artifacts and the cache: the part of Vertex AI's metadata store that runs need. It is kept in one JSON file."""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from limbeck.kubeflow.simulate.vertex.storage.identity import PROJECT_NUMBER

_ARTIFACTS = f"projects/{PROJECT_NUMBER}/locations/us-central1/metadataStores/default/artifacts"


@dataclasses.dataclass(frozen=True)
class Outputs:
    """The outputs of a task: resource names of its artifacts, and values of its parameters, both by key."""

    artifacts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class Store:
    """All artifacts by their resource names, and outputs by cache key."""

    def __init__(self, path: Path) -> None:
        self._path = path
        held = json.loads(path.read_text("utf-8")) if path.exists() else {"artifacts": {}, "cache": {}}
        self.artifacts: dict[str, dict[str, Any]] = held["artifacts"]
        self._cache: dict[str, dict[str, Any]] = held["cache"]

    def add(self, artifact: Mapping[str, Any]) -> str:
        """Stores an artifact, and returns its resource name."""
        name = f"{_ARTIFACTS}/{uuid.uuid4().int % 10**19}"
        self.artifacts[name] = {**artifact, "name": name}
        self._save()
        return name

    def cached(self, key: str) -> Outputs | None:
        """Returns the outputs of a task with the same key; None if there is none."""
        return Outputs(**self._cache[key]) if key in self._cache else None

    def remember(self, key: str, outputs: Outputs) -> None:
        """Stores the outputs of a task under its key."""
        self._cache[key] = {"artifacts": dict(outputs.artifacts), "parameters": dict(outputs.parameters)}
        self._save()

    def _save(self) -> None:
        held = {"artifacts": self.artifacts, "cache": self._cache}
        self._path.write_text(json.dumps(held, indent=1), encoding="utf-8")

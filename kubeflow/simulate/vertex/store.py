"""Artifacts and the cache, as far as the metadata store of Vertex AI takes part in a run. Kept in one JSON file."""

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
    """What a task left: resource names of its artifacts, values of its parameters, both by key."""

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
        """Keeps an artifact; returns its resource name."""
        name = f"{_ARTIFACTS}/{uuid.uuid4().int % 10**19}"
        self.artifacts[name] = {**artifact, "name": name}
        self._save()
        return name

    def cached(self, key: str) -> Outputs | None:
        """The outputs of a task that did the same, or None."""
        return Outputs(**self._cache[key]) if key in self._cache else None

    def remember(self, key: str, outputs: Outputs) -> None:
        """Notes what a task did."""
        self._cache[key] = {"artifacts": dict(outputs.artifacts), "parameters": dict(outputs.parameters)}
        self._save()

    def _save(self) -> None:
        held = {"artifacts": self.artifacts, "cache": self._cache}
        self._path.write_text(json.dumps(held, indent=1), encoding="utf-8")

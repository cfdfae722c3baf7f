"""A cluster without a second process: it does what a worker does, with all that passes between the two as bytes."""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from limbeck import files
from limbeck.components.mapping import worker
from limbeck.errors import UserError
from limbeck.records import from_json
from limbeck.settings.scoring import CLUSTERS, ClusterKind, ScoringConfig

SETTINGS_ADDRESS = "here://127.0.0.1:1"


class Here:
    """Calls each function twice, as for an item whose worker was given up and went on."""

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted

    room = 3

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        results = []
        for item in items:
            for _ in range(2):
                said = pickle.loads(pickle.dumps(worker.call(self._wanted, worker.packed(function, item))))
            if isinstance(said, worker.Refused):
                raise said.error()
            results.append(said.result)
        return results


@contextlib.contextmanager
def connected(settings: ScoringConfig, wanted: str) -> Iterator[Here]:
    look = from_json(worker.Look, worker.look(wanted))
    if look.wrong:
        raise UserError(worker.refusal(look.host, look.wrong))
    assert files.exists(look.answer)
    yield Here(wanted)


def register(monkeypatch: pytest.MonkeyPatch) -> ScoringConfig:
    """Adds this kind of cluster to the registry, as a file and a line would. Returns settings that take it."""
    kind = ClusterKind("tests.components.mapping.here:connected", "here", 1, "pickle", "")
    monkeypatch.setitem(CLUSTERS, "here", kind)
    return ScoringConfig(engine="here", address=SETTINGS_ADDRESS)

"""The task of benchmarks/search, with an augmentation that changes nothing, so that teachers answer at each step."""

from __future__ import annotations

import dataclasses
from typing import Any

from benchmarks.search.tasks import LETTERS


def _unchanged(inputs: dict[str, Any], seeds: Any) -> dict[str, Any]:
    return dict(inputs)


UNCHANGED = dataclasses.replace(LETTERS, augment=_unchanged)

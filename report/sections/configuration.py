"""Section: every setting, written as `--set` takes it. Those that differ from the defaults are marked."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter

from limbeck.settings.config import Config
from report.schema import Report


@dataclasses.dataclass(frozen=True)
class SettingRow:
    """One setting: its dotted name and its value as JSON, and the default if the value differs from it."""

    name: str
    value: str
    default: str | None


def view(report: Report) -> tuple[SettingRow, ...]:
    """Returns all settings of the run, in the order of the tree."""
    adapter = TypeAdapter(Config)
    defaults = dict(_flat("", adapter.dump_python(Config(), mode="json")))
    return tuple(
        SettingRow(name, value, defaults.get(name, "not set") if defaults.get(name) != value else None)
        for name, value in _flat("", adapter.dump_python(report.config, mode="json"))
        # What nobody asks for a container.
        if not (name.startswith("containers.") and value == "null")
    )


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and (value or not name):
        for key, below in value.items():
            yield from _flat(f"{name}.{key}" if name else str(key), below)
    else:
        yield name, json.dumps(value, ensure_ascii=False)

"""Section: every setting, written as `--set` takes it. Those that differ from the defaults are marked."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Collection, Iterator
from typing import Any

from pydantic import TypeAdapter

from limbeck.report.schema import Report
from limbeck.settings.config import Config
from limbeck.settings.fields import operational_fields


@dataclasses.dataclass(frozen=True)
class SettingRow:
    """One setting: its dotted name and its value as JSON, and the default if the value differs from it."""

    name: str
    value: str
    default: str | None


def view(report: Report, only: Collection[str] | None = None) -> tuple[SettingRow, ...]:
    """Returns the settings of the run, in the order of the tree.

    Args:
      report: the report.
      only: the sections that decided about the result, and are known. Their operational fields are left out. None
        returns all settings.
    """
    adapter = TypeAdapter(Config)
    defaults = dict(_flat("", adapter.dump_python(Config(), mode="json")))
    found = {
        name: value
        for name, value in _flat("", adapter.dump_python(report.config, mode="json"))
        # Leaves out requests for containers that nobody has made.
        if not (name.startswith("containers.") and value == "null") and (only is None or _decided(name, only))
    }
    return tuple(
        SettingRow(name, value, defaults.get(name, "not set") if defaults.get(name) != value else None)
        for name, value in found.items()
    )


def _decided(name: str, only: Collection[str]) -> bool:
    section, _, field = name.partition(".")
    kind = typing.get_type_hints(Config)[section]
    return section in only and (not field or field not in operational_fields(kind))


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and (value or not name):
        for key, below in value.items():
            yield from _flat(f"{name}.{key}" if name else str(key), below)
    else:
        yield name, json.dumps(value, ensure_ascii=False)

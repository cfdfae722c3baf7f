"""The meaning of each setting, read from the docstring of its section.

A page of settings that is written by hand is wrong after the second change. A docstring stands beside its field. So
the documentation is made from docstrings, and so is the form in which a user edits runtime settings.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import typing
from collections.abc import Iterator
from typing import Any

from limbeck.settings.config import Config

# Stands in a key for the id of any node.
EACH = "NODE"


@dataclasses.dataclass(frozen=True)
class Description:
    """One setting.

    Attributes:
      key: dotted key, as `--set` takes it.
      default: the value if nobody sets it.
      kind: `runtime`, `operational` or `structural`; `limbeck.settings.fields` explains them.
      meaning: its line in the docstring of its section.
    """

    key: str
    default: object
    kind: str
    meaning: str


def describe(section: type[Any] = Config, prefix: str = "") -> Iterator[Description]:
    """Yields the settings of a section in the order of its fields. A section inside it is replaced by its settings,
    and so is one that there is of each node.

    Args:
      section: `Config`, or one of its sections.
      prefix: dotted place of `section` in the whole tree, with a dot at its end.

    Raises:
      ValueError: if the docstring of a section does not describe one of its fields.
    """
    hints, meanings = typing.get_type_hints(section), attributes(section)
    for field in dataclasses.fields(section):
        key, hint = f"{prefix}{field.name}", hints[field.name]
        if dataclasses.is_dataclass(hint):
            yield from describe(typing.cast("type[Any]", hint), f"{key}.")
            continue
        if typing.get_origin(hint) is dict and dataclasses.is_dataclass(typing.get_args(hint)[1]):
            yield from describe(typing.get_args(hint)[1], f"{key}.{EACH}.")
            continue
        if field.name not in meanings:
            raise ValueError(
                f"the docstring of {section.__name__} must describe '{field.name}' under 'Attributes:'"
            )
        factory = field.default_factory
        default = factory() if factory is not dataclasses.MISSING else field.default
        kind = next((kind for kind in ("runtime", "operational") if field.metadata.get(kind)), "structural")
        yield Description(key, default, kind, meanings[field.name])


def attributes(section: type[Any]) -> dict[str, str]:
    """Returns the entries below `Attributes:` in the docstring of a class, by name, each on one line."""
    _, _, listed = inspect.cleandoc(section.__doc__ or "").partition("\nAttributes:\n")
    entries = re.split(r"^  (?=\w+: )", listed, flags=re.MULTILINE)[1:]
    pairs = (entry.partition(": ") for entry in entries)
    return {name: " ".join(text.split()) for name, _, text in pairs}

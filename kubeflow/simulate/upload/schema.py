"""Reads the table of messages: which fields a message has, and of which type each is."""

from __future__ import annotations

import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Field:
    """One field of a message.

    Attributes:
      name: in the spelling of JSON.
      kind: a scalar, `Struct`, `Value`, `Duration`, an enumeration, or another message.
      many: `list`, `map`, or nothing.
      explicit: a value that equals the type's zero is kept.
      group: fields of one group exclude each other.
      since: first minor release of KFP 2 that knows it.
      until: last one.
    """

    name: str
    kind: str
    many: str
    explicit: bool
    group: str
    since: int
    until: int

    @property
    def proto_name(self) -> str:
        """The name in snake case, which KFP accepts, too."""
        return re.sub("[A-Z]", lambda match: "_" + match.group().lower(), self.name)


@dataclasses.dataclass(frozen=True)
class Message:
    """A message and its fields in order."""

    name: str
    fields: tuple[Field, ...]

    def find(self, name: str, minor: int) -> Field | None:
        """Returns the field with this name in KFP 2.`minor`; None if there is none."""
        for field in self.fields:
            if name in (field.name, field.proto_name) and field.since <= minor <= field.until:
                return field
        return None


_FIELD = re.compile(r"(\w+):(\[\]|\{\}|\??)(\w+)(?:/(\w+))?(?:@(-?)2\.(\d+))?$")
_MANY = {"[]": "list", "{}": "map"}
_NEVER = 1000


def messages(table: str) -> dict[str, Message]:
    """Reads the notation of `fields.py`."""
    found = {}
    for line in table.splitlines():
        if line.strip():
            name, *fields = line.split()
            found[name] = Message(name, tuple(map(_field, fields)))
    return found


def _field(text: str) -> Field:
    match = _FIELD.match(text)
    if match is None:
        raise ValueError(f"not a field: {text}")
    name, mark, kind, group, minus, minor = match.groups()
    return Field(
        name=name,
        kind=kind,
        many=_MANY.get(mark, ""),
        explicit=mark == "?" or group is not None,
        group=group or "",
        since=int(minor) if minor and not minus else 0,
        until=int(minor) if minor and minus else _NEVER,
    )

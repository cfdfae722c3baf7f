"""The accepted schema and statistics, with which later data are compared. A run replaces both or neither.

A schema that was inferred from data always fits these data. So a run compares its data with the schema and statistics
that an earlier run accepted. TFX's own metadata would return the newest artifact, and that may come from a refused run.

A process can be killed between any two writes, and an object store cannot rename a folder. So each state has its own
folder, with `<number>/schema.pbtxt` and `<number>/statistics/<split>/FeatureStats.pb`. It takes effect when one small
file, `current.json`, names it. That file is replaced as a whole.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pydantic.dataclasses import dataclass

from limbeck import files
from limbeck.errors import DataError
from limbeck.records import STRICT, from_json, to_json
from limbeck.settings.fields import NotNegative, Positive

_CURRENT = "current.json"
_SCHEMA = "schema.pbtxt"


@dataclasses.dataclass(frozen=True)
class Span:
    """The schema and statistics of the data of one run.

    Attributes:
      schema: a tensorflow_metadata `Schema` of all splits.
      statistics: a `DatasetFeatureStatisticsList` for each split, by the split's name.
    """

    schema: Any
    statistics: Mapping[str, Any]


@dataclass(frozen=True, config=STRICT)
class _Current:
    """The state in effect; `generation` counts the schemas that the user replaced."""

    generation: NotNegative
    number: Positive


def generation(folder: str) -> int:
    """Returns how often the user replaced the accepted schema; 0 if nothing has been accepted yet."""
    current = _current(folder)
    return current.generation if current else 0


def read(folder: str) -> Span | None:
    """Returns the accepted span; None if nothing has been accepted yet.

    Raises:
      ConfigError: if `current.json` is not what `replace` writes.
      DataError: if somebody edited the schema, and it is not a schema any more.
    """
    from tensorflow_metadata.proto.v0 import statistics_pb2

    current = _current(folder)
    if current is None:
        return None
    state = f"{folder}/{current.number}"
    statistics = {
        split: statistics_pb2.DatasetFeatureStatisticsList.FromString(files.read_bytes(_statistics(state, split)))
        for split in files.names(f"{state}/statistics")
    }
    return Span(_schema(f"{state}/{_SCHEMA}"), statistics)


def replace(folder: str, span: Span, generation: int) -> None:
    """Accepts `span` instead of what was accepted before.

    Args:
      folder: folder or URI; made if it is missing. Only one process may write to it at a time.
      span: later data are compared with it.
      generation: the number that `generation` returns from now on.
    """
    from google.protobuf import text_format

    before = _current(folder)
    after = _Current(generation, before.number + 1 if before else 1)
    # Removes what a killed run left.
    _clear(folder, keep=before)
    state = f"{folder}/{after.number}"
    for split, statistics in span.statistics.items():
        files.write_bytes(_statistics(state, split), statistics.SerializeToString(deterministic=True))
    files.write_bytes(f"{state}/{_SCHEMA}", text_format.MessageToString(span.schema).encode())
    files.write_text(f"{folder}/{_CURRENT}", to_json(after))
    _clear(folder, keep=after)


def _schema(path: str) -> Any:
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    try:
        return text_format.Parse(files.read_bytes(path), schema_pb2.Schema())
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path} is not a schema ({error}): undo what was changed in it, or delete the folder of the accepted "
            "schemas, so that the next data are accepted as the first"
        ) from None


def _current(folder: str) -> _Current | None:
    path = f"{folder}/{_CURRENT}"
    return from_json(_Current, files.read_text(path)) if files.exists(path) else None


def _clear(folder: str, keep: _Current | None) -> None:
    for name in files.names(folder):
        if name.isdecimal() and (keep is None or name != str(keep.number)):
            files.remove_folder(f"{folder}/{name}")
        elif name.startswith(files.UNFINISHED):
            files.remove(f"{folder}/{name}", missing_ok=True)


def _statistics(state: str, split: str) -> str:
    return f"{state}/statistics/{split}/FeatureStats.pb"

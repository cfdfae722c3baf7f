"""The schema and statistics that later data are held against: a run replaces both, or neither.

Data that are compared with a schema inferred from themselves are always as expected, so a run needs what an earlier
one accepted. TFX's own metadata would give the latest artifact, that of a refused run included.

A process can be killed between any two writes, and an object store renames no folders. So each state is written to
a folder of its own, `<number>/schema.pbtxt` and `<number>/statistics/<split>/FeatureStats.pb`, and takes effect by
the writing of one small file, `current.json`, that names it: it is replaced as a whole.
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
    """What the data of one run look like.

    Attributes:
      schema: a tensorflow_metadata `Schema` of all splits.
      statistics: a `DatasetFeatureStatisticsList` for each split, by its name.
    """

    schema: Any
    statistics: Mapping[str, Any]


@dataclass(frozen=True, config=STRICT)
class _Current:
    """Which state is in effect; `generation` counts the schemas that the user replaced."""

    generation: NotNegative
    number: Positive


def generation(folder: str) -> int:
    """How many times an accepted schema was replaced on demand; 0 where nothing has been accepted yet."""
    current = _current(folder)
    return current.generation if current else 0


def read(folder: str) -> Span | None:
    """The accepted span; None where nothing has been accepted yet.

    Raises:
      ConfigError: where `current.json` is not what `replace` writes.
      DataError: where somebody edited the schema, and it is none now.
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
    """Accepts `span` in the place of what was accepted before.

    Args:
      folder: folder or URI; made where it is missing. Processes that write to it must take turns.
      span: what later data are held against.
      generation: what `generation` is to return from now on.
    """
    from google.protobuf import text_format

    before = _current(folder)
    after = _Current(generation, before.number + 1 if before else 1)
    # What a killed run left.
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

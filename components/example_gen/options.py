"""The options of ExampleGen's executor, in the one property that TFX's FileBasedExampleGen has for them."""

from __future__ import annotations

import dataclasses
from typing import Any

from pydantic.dataclasses import dataclass

from limbeck.components.example_gen.declaration import Declaration
from limbeck.components.example_gen.division import Division
from limbeck.records import STRICT, from_json, to_json


@dataclass(frozen=True, config=STRICT)
class Options:
    """How files are read.

    Attributes:
      code_digest: digest of the reading code; it is only a part of the cache key.
      encoding: encoding of CSV files.
      declaration: what the task declares of the raw data.
      division: how rows are divided among the splits; None if each split has files of its own.
      labels: columns that say what is known of the label; empty if they need no special treatment.
    """

    code_digest: str = ""
    encoding: str = "utf-8"
    declaration: Declaration = dataclasses.field(default_factory=dict)
    division: Division | None = None
    labels: tuple[str, ...] = ()


def to_custom_config(options: Options) -> Any:
    """Returns the options as an `example_gen_pb2.CustomConfig`."""
    from google.protobuf.wrappers_pb2 import StringValue
    from tfx.proto import example_gen_pb2

    config = example_gen_pb2.CustomConfig()
    config.custom_config.Pack(StringValue(value=to_json(options)))
    return config


def from_custom_config(text: str | None) -> Options:
    """Reads options from the JSON that TFX makes of a CustomConfig. Raises ConfigError if it holds something else."""
    from google.protobuf.wrappers_pb2 import StringValue
    from tfx.proto import example_gen_pb2
    from tfx.utils import proto_utils

    if not text:
        return Options()
    packed, value = example_gen_pb2.CustomConfig(), StringValue()
    proto_utils.json_to_proto(text, packed)
    packed.custom_config.Unpack(value)
    return from_json(Options, value.value)

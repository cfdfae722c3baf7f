"""ExampleGen: TFX's component with executors of ours, and with a driver that compares data by content.

It stays TFX's component, because TFX's driver resolves spans, and because Kubeflow's compiler knows it by its class.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from tfx.components import FileBasedExampleGen
from tfx.dsl.components.base import executor_spec
from tfx.proto import example_gen_pb2, range_config_pb2

from limbeck.components.example_gen import executor
from limbeck.components.example_gen.declaration import Declared, declaration_of
from limbeck.components.example_gen.driver import ContentDriver
from limbeck.components.example_gen.options import Options, to_custom_config
from limbeck.components.graph.context import Context
from limbeck.digests.code import code_digest
from limbeck.examples import SPLITS

Format = Literal["csv", "parquet", "tfrecord"]

_EXECUTORS = {"csv": "CsvExecutor", "parquet": "ParquetExecutor", "tfrecord": "TFRecordExecutor"}
_PLACEHOLDER = re.compile(r"\{(SPAN|VERSION)(:\d+)?\}|\{(YYYY|MM|DD)\}")


class ExampleGen(FileBasedExampleGen):
    """Reads files into examples. On Kubeflow, TFX's own driver runs, whatever this class says."""

    DRIVER_CLASS = ContentDriver


def raw_examples(context: Context) -> ExampleGen:
    """Makes the node `ExampleGen` from the settings and the task."""
    config, task = context.config.data, context.task
    return example_gen(
        context.storage.data,
        config.format,
        SPLITS,
        span=config.span,
        encoding=config.encoding,
        declaration=declaration_of(task),
        code_digest=code_digest([executor_name(config.format)]),
    )


def example_gen(
    data: str,
    format: Format,
    splits: Sequence[str],
    *,
    span: int | None = None,
    encoding: str = "utf-8",
    declaration: Mapping[str, Declared] = MappingProxyType({}),
    code_digest: str = "",
) -> ExampleGen:
    """Makes the node `ExampleGen`.

    Args:
      data: folder or URI that holds a folder for each split. It may contain `{SPAN}` or `{SPAN:width}`, or `{YYYY}`,
        `{MM}` and `{DD}`, and then also `{VERSION}`. The newest span is taken.
      format: format of the files.
      splits: names of the folders, and of the splits.
      span: takes this span instead of the newest; with dates, the days since 1970-01-01. Needs a placeholder in `data`.
      encoding: encoding of CSV files.
      declaration: what the task declares of the raw data.
      code_digest: digest of `executor_name(format)`, so that the cache sees an edit of the reader.

    Returns:
      The node. Its output is `examples`.
    """
    base, prefix = _divide(data)
    # Options that a format does not use must not reach the cache.
    options = Options(code_digest, encoding if format == "csv" else "utf-8", dict(sorted(declaration.items())))
    fixed = range_config_pb2.StaticRange(start_span_number=span, end_span_number=span)
    return ExampleGen(
        input_base=base,
        input_config=example_gen_pb2.Input(
            splits=[example_gen_pb2.Input.Split(name=split, pattern=f"{prefix}{split}/*") for split in splits]
        ),
        # Without it, TFX would divide the only split of an input into two.
        output_config=example_gen_pb2.Output(),
        range_config=None if span is None else range_config_pb2.RangeConfig(static_range=fixed),
        custom_config=to_custom_config(options),
        custom_executor_spec=executor_spec.BeamExecutorSpec(getattr(executor, _EXECUTORS[format])),
    ).with_id("ExampleGen")


def executor_name(format: Format) -> str:
    """Returns `module:name` of the code that reads a format, for `limbeck.digests.code.code_digest`."""
    return f"limbeck.components.example_gen.executor:{_EXECUTORS[format]}"


def _divide(data: str) -> tuple[str, str]:
    """Returns a folder without placeholders, and the start of each pattern. TFX resolves only patterns."""
    parts = data.rstrip("/").split("/")
    for index, part in enumerate(parts):
        if _PLACEHOLDER.search(part):
            base = "/".join(parts[:index]) or ("/" if index else ".")
            return base, "/".join([*parts[index:], ""])
    return data, ""

"""ExampleGen: TFX's component with executors of ours, and with a driver that compares data by content.

It stays TFX's component, because TFX's driver resolves spans, and because Kubeflow's compiler knows it by its class.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Literal

from tfx.components import FileBasedExampleGen
from tfx.dsl.components.base import executor_spec
from tfx.proto import example_gen_pb2, range_config_pb2
from tfx.types.channel import Channel
from tfx.types.component_spec import ExecutionParameter
from tfx.types.standard_artifacts import Examples
from tfx.types.standard_component_specs import FileBasedExampleGenSpec

from limbeck.components.example_gen import executor
from limbeck.components.example_gen.declaration import declaration_of
from limbeck.components.example_gen.division import Division
from limbeck.components.example_gen.driver import UNLABELLED, ContentDriver
from limbeck.components.example_gen.object_stores import WILD
from limbeck.components.example_gen.options import Options, to_custom_config
from limbeck.components.graph.context import Context
from limbeck.errors import ConfigError
from limbeck.examples import SPLITS
from limbeck.task import Task

Format = Literal["csv", "parquet", "tfrecord"]

_EXECUTORS = {"csv": "CsvExecutor", "parquet": "ParquetExecutor", "tfrecord": "TFRecordExecutor"}
_PLACEHOLDER = re.compile(r"\{(SPAN|VERSION)(:\d+)?\}|\{(YYYY|MM|DD)\}")


# An empty pattern stands for the place of the data itself. So if a user changes the place when a compiled pipeline is
# started, the new place may be a file, a folder or a glob, regardless of the place when the pipeline was compiled.
_WHOLE = ""


class ExampleGenSpec(FileBasedExampleGenSpec):
    """TFX's spec with one more parameter, the place of further rows. The driver and the form of a run need it."""

    PARAMETERS = FileBasedExampleGenSpec.PARAMETERS | {UNLABELLED: ExecutionParameter(type=str, optional=True)}


class ExampleGen(FileBasedExampleGen):
    """Reads files into examples. On Kubeflow, TFX's own driver runs, whatever this class says."""

    SPEC_CLASS = ExampleGenSpec
    DRIVER_CLASS = ContentDriver

    def __init__(self, spec: ExampleGenSpec, reader: type[executor.Executor]) -> None:
        # TFX's constructor makes a spec without our parameter.
        super(FileBasedExampleGen, self).__init__(
            spec=spec, custom_executor_spec=executor_spec.BeamExecutorSpec(reader)
        )


def raw_examples(context: Context) -> ExampleGen:
    """Makes the node `ExampleGen` from the settings and the task."""
    config, task = context.config.data, context.task
    labels = _labels(task)
    division = None if config.split is None else Division(config.split, config.group, config.time)
    if config.group in labels or config.time in labels:
        raise ConfigError(
            f"data.group and data.time name a column to divide by, but '{config.group or config.time}' tells the "
            "label, which must not decide about the split: name another column"
        )
    source = Source(context.storage.data, config.format, span=config.span, unlabelled=context.storage.unlabelled)
    code_digest = context.code_digest([executor_name(config.format)])
    return example_gen(source, Options(code_digest, config.encoding, declaration_of(task), division, labels))


@dataclasses.dataclass(frozen=True)
class Source:
    """Where the files are.

    Attributes:
      data: folder or URI that holds a folder for each split; if rows are divided, a file, a folder of files, or a glob.
        It may contain `{SPAN}` or `{SPAN:width}`, or `{YYYY}`, `{MM}` and `{DD}`, and then also `{VERSION}`. The newest
        span is taken.
      format: format of the files.
      splits: names of the splits, and of the folders.
      span: takes this span instead of the newest; with dates, the days since 1970-01-01. Needs a placeholder in `data`.
      unlabelled: file, folder of files, or glob with further rows for the training split.
    """

    data: str
    format: Format
    splits: Sequence[str] = SPLITS
    span: int | None = None
    unlabelled: str | None = None


def example_gen(source: Source, options: Options) -> ExampleGen:
    """Makes the node `ExampleGen`. Its output is `examples`.

    Args:
      source: where the files are.
      options: how they are read. Options that this source does not use are left out of the cache key.
    """
    base, prefix = _divide(source.data, whole=options.division is not None)
    patterns = {split: f"{prefix}{split}/*" for split in source.splits}
    output = example_gen_pb2.Output()
    if options.division is not None:
        patterns = {"all": prefix.rstrip("/") or _WHOLE}
        # TFX reads only the names: our executor divides the rows.
        output.split_config.splits.extend(
            example_gen_pb2.SplitConfig.Split(name=split, hash_buckets=1) for split in source.splits
        )
    fixed = range_config_pb2.StaticRange(start_span_number=source.span, end_span_number=source.span)
    spec = ExampleGenSpec(
        input_base=base,
        input_config=example_gen_pb2.Input(
            splits=[example_gen_pb2.Input.Split(name=name, pattern=pattern) for name, pattern in patterns.items()]
        ),
        output_config=output,
        range_config=None if source.span is None else range_config_pb2.RangeConfig(static_range=fixed),
        custom_config=to_custom_config(_used(options, source)),
        output_data_format=example_gen_pb2.FORMAT_TF_EXAMPLE,
        output_file_format=example_gen_pb2.FORMAT_TFRECORDS_GZIP,
        examples=Channel(type=Examples),
        **({} if source.unlabelled is None else {UNLABELLED: source.unlabelled}),
    )
    return ExampleGen(spec, getattr(executor, _EXECUTORS[source.format])).with_id("ExampleGen")


def _used(options: Options, source: Source) -> Options:
    """Returns the options without those that change nothing for a source."""
    divided = options.division is not None or source.unlabelled is not None
    return dataclasses.replace(
        options,
        encoding=options.encoding if source.format == "csv" else Options().encoding,
        declaration=dict(sorted(options.declaration.items())),
        labels=options.labels if divided else (),
    )


def executor_name(format: Format) -> str:
    """Returns `module:name` of the code that reads a format, for `limbeck.digests.code.code_digest`."""
    return f"limbeck.components.example_gen.executor:{_EXECUTORS[format]}"


def _labels(task: Task) -> tuple[str, ...]:
    """Returns the columns that hold the label, or say who may see it."""
    seen = task.label.visible_to_student
    return tuple(sorted({*task.objective.raw_features, *([] if seen is None else [seen])}))


def _divide(data: str, *, whole: bool) -> tuple[str, str]:
    """Returns a folder without placeholders, and the start of each pattern. TFX resolves only patterns.

    Args:
      data: the place of the data.
      whole: whether `data` may be a glob. If there is a pattern, the wildcards must be in it.
    """
    parts = data.rstrip("/").split("/")
    if not any(_PLACEHOLDER.search(part) for part in parts):
        return data, ""
    index = next(
        index for index, part in enumerate(parts) if _PLACEHOLDER.search(part) or (whole and WILD.search(part))
    )
    base = "/".join(parts[:index]) or ("/" if index else ".")
    return base, "/".join([*parts[index:], ""])

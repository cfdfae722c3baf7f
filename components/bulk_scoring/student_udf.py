"""A pushed student as a function of the columns of a Spark DataFrame.

A DataFrame belongs to the user's own Spark session. It may be far larger than a file, and its columns may have other
names. So Spark calls the student on the executors that hold the rows. The model is sent to the executors as an archive
whose name contains its digest. So they need no shared folder, and never use an older model.

The answers equal those of `predict`, to the bit: rows become the same examples, in batches of the same size.
"""

from __future__ import annotations

import dataclasses
import functools
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from limbeck import temporary
from limbeck.components.bulk_scoring import answers
from limbeck.components.inference import batches
from limbeck.components.inference.batches import SavedModel
from limbeck.errors import ConfigError, DataError, UserError
from limbeck.server import versions
from limbeck.trainer.serving.export import feature_name

_BY_FEATURES = "serving_tensors"
_ONE = 1


@dataclasses.dataclass(frozen=True)
class RawFeature:
    """A raw feature of the student.

    Attributes:
      name: its name in the task.
      kind: `number`, `integer` or `text`.
    """

    name: str
    kind: str


def student_udf(spark: Any, root: str, version: int | None = None) -> Callable[..., Any]:
    """Returns a function that makes a column of a pushed student's answers.

    `frame.withColumn("answer", udf())` takes the columns that have the names of the task's features. For columns of
    other names, give each by its feature: `udf(size=frame.length, colour=frame.paint)`. A null is a missing value: it
    becomes the default of the feature, or ends the job if the feature has no default. Spark passes a NaN and a null of
    a number to pandas in the same way.

    Args:
      spark: the SparkSession. Its executors need Limbeck and its locked requirements.
      root: root of a run that has pushed a student.
      version: which version answers; None takes the newest.

    Returns:
      A function that returns a column. Each value is a struct with the student's outputs: a value, or an array.

    Raises:
      UserError: if no student was pushed, or not this version.
      ConfigError: if the student was exported without a signature of features.
    """
    folder = _folder(Path(root) / "serving", version)
    model = SavedModel.of(str(folder))
    loaded = model.load()
    features = features_of(loaded, str(folder))
    returned = _struct(answers.outputs_of(loaded))
    name = _sent(spark, model)
    column = _pandas_udf(functools.partial(_answered, name, model.digest, features), returned)

    def udf(**columns: Any) -> Any:
        from pyspark.sql import functions

        unknown = sorted(set(columns) - {one.name for one in features})
        if unknown:
            raise ConfigError(
                f"the student has no feature {', '.join(map(repr, unknown))}: it takes "
                f"{', '.join(one.name for one in features)}"
            )
        given = [columns.get(one.name, functions.col(f"`{one.name}`")).alias(one.name) for one in features]
        return column(functions.struct(*given))

    return udf


def features_of(model: Any, folder: str) -> tuple[RawFeature, ...]:
    """Returns the raw features of a loaded student, sorted by name. Raises ConfigError if its signature has none."""
    if _BY_FEATURES not in model.signatures:
        raise ConfigError(f"{folder} has no signature '{_BY_FEATURES}': take a student that a run has pushed")
    _, tensors = model.signatures[_BY_FEATURES].structured_input_signature
    return tuple(RawFeature(feature_name(name), _kind(spec.dtype.name)) for name, spec in sorted(tensors.items()))


def example_of(row: Mapping[str, Any], features: tuple[RawFeature, ...]) -> bytes:
    """Returns a serialized tf.Example of a row.

    Args:
      row: values by the name of their feature, as Spark hands them to pandas: a scalar, an array, or a null.
      features: the features.

    Raises:
      DataError: if a value is of another kind than its feature.
    """
    import tensorflow as tf

    example = tf.train.Example()
    for feature in features:
        values = _values(row[feature.name])
        if values is None:
            continue
        target = example.features.feature[feature.name]
        try:
            _set(target, feature.kind, values)
        except (TypeError, ValueError, OverflowError):
            raise DataError(
                f"the student takes '{feature.name}' as {feature.kind}, but a row holds {row[feature.name]!r}: cast "
                "the column"
            ) from None
    return bytes(example.SerializeToString(deterministic=True))


def _folder(serving: Path, version: int | None) -> Path:
    found = versions.found(serving)
    if not found:
        raise UserError(f"there is no student in {serving}: a run pushes one when its gate lets it pass")
    number = max(found) if version is None else version
    if number not in found:
        raise UserError(f"there is no version {number} in {serving}: there are {', '.join(map(str, found))}")
    return found[number]


def _sent(spark: Any, model: SavedModel) -> str:
    """Sends a model to the executors. Returns its name there."""
    name = f"limbeck-{model.digest[:16]}"
    # Spark keeps the path of the archive, and copies it when an executor starts.
    place = temporary.folder_until_exit()
    archive = shutil.make_archive(str(place / name), "zip", model.folder)
    spark.sparkContext.addArchive(f"{archive}#{name}")
    return name


def _pandas_udf(function: Callable[..., Any], returned: Any) -> Any:
    import pandas as pd  # type: ignore[import-untyped]
    from pyspark.sql.functions import pandas_udf

    def answered(frames: Any) -> Any:
        return function(frames)

    # Spark reads the type hints of the function. It needs types there, not strings.
    answered.__annotations__ = {"frames": Iterator[pd.DataFrame], "return": Iterator[pd.DataFrame]}
    return pandas_udf(answered, returned)


def _answered(name: str, digest: str, features: tuple[RawFeature, ...], frames: Iterator[Any]) -> Iterator[Any]:
    """Yields the answers to the rows of each frame, in a process of an executor."""
    import pandas as pd
    import tensorflow as tf
    from pyspark import SparkFiles

    model = SavedModel(SparkFiles.get(name), digest).load()
    for frame in frames:
        rows = frame.to_dict("records")
        found: list[dict[str, Any]] = []
        for batch in batches.batched(example_of(row, features) for row in rows):
            try:
                found += [answers.plain(one) for one in batches.answers_of(model, batch)]
            except tf.errors.InvalidArgumentError as error:
                raise DataError(f"a row lacks a value that the student needs: {error.message}") from None
        yield pd.DataFrame(found, columns=sorted(answers.outputs_of(model)))


def _struct(outputs: Mapping[str, Any]) -> Any:
    from pyspark.sql import types

    def of(spec: Any) -> Any:
        text = spec.dtype.name == "string"
        one = types.StringType() if text else _number(types, spec.dtype.as_numpy_dtype)
        return one if spec.shape.rank == _ONE else types.ArrayType(one)

    return types.StructType([types.StructField(name, of(spec)) for name, spec in sorted(outputs.items())])


def _number(types: Any, dtype: Any) -> Any:
    if np.issubdtype(dtype, np.bool_):
        return types.BooleanType()
    if np.issubdtype(dtype, np.integer):
        return types.LongType()
    return types.DoubleType() if dtype == np.float64 else types.FloatType()


def _kind(dtype: str) -> str:
    return {"string": "text", "int64": "integer"}.get(dtype, "number")


def _values(value: Any) -> list[Any] | None:
    if isinstance(value, list | tuple | np.ndarray):
        return list(value)
    return None if value is None or value != value else [value]  # noqa: PLR0124, NaN differs from itself


def _set(target: Any, kind: str, values: list[Any]) -> None:
    if kind == "text":
        target.bytes_list.value[:] = [one if isinstance(one, bytes) else _text(one).encode() for one in values]
    elif kind == "integer":
        target.int64_list.value[:] = [_whole(one) for one in values]
    else:
        target.float_list.value[:] = [float(one) for one in values]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole(value: Any) -> int:
    if isinstance(value, str) or int(value) != value:
        raise ValueError
    return int(value)

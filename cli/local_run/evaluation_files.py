"""Reads the metrics of every slice that the Evaluator wrote, without TFMA: importing it takes seconds.

TFMA writes a TFRecord file of `MetricsForSlice`. The module of that protocol buffer stands alone, but its package
imports TensorFlow. So the module is loaded by its file.
"""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from typing import Any

from limbeck.components.artifacts.record_files import records_of
from limbeck.report.pages.slices import SliceMetrics

# The Evaluator's names of the two models, and of the metric that counts examples.
_STUDENT, _TEACHER, _COUNT = "candidate", "baseline", "example_count"


def read(folder: Path) -> tuple[SliceMetrics, ...]:
    """Returns the metrics of all slices.

    Args:
      folder: folder of the evaluation.
    """
    message = _module().MetricsForSlice
    paths = sorted(folder.glob("metrics-*.tfrecord"))
    return tuple(_slice(message.FromString(record)) for record in records_of(map(str, paths)))


@functools.cache
def _module() -> Any:
    package = importlib.util.find_spec("tensorflow_model_analysis")
    [place] = (package.submodule_search_locations if package else None) or [""]
    path = Path(place) / "proto" / "metrics_for_slice_pb2.py"
    spec = importlib.util.spec_from_file_location("limbeck_metrics_for_slice_pb2", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _slice(found: Any) -> SliceMetrics:
    metrics: dict[str, dict[str, float]] = {_STUDENT: {}, _TEACHER: {}}
    for one in found.metric_keys_and_values:
        # A metric that is not a single number, such as a curve, cannot be in a table.
        plain = one.value.WhichOneof("type") == "double_value" and not one.key.is_diff
        if plain and one.key.model_name in metrics:
            metrics[one.key.model_name][one.key.name] = one.value.double_value.value
    examples = round(metrics[_STUDENT].pop(_COUNT, 0.0))
    metrics[_TEACHER].pop(_COUNT, None)
    features = tuple((one.column, _value(one)) for one in found.slice_key.single_slice_keys)
    return SliceMetrics(features, examples, metrics[_TEACHER], metrics[_STUDENT])


def _value(key: Any) -> str:
    value = getattr(key, key.WhichOneof("kind"))
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)

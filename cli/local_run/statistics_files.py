"""Reads the statistics that StatisticsGen wrote. Their protocol buffers need neither TensorFlow nor TFDV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from limbeck.report.pages.statistics import Column, Numbers, Split, Texts

FILE = "FeatureStats.pb"
_COMMON, _CHARACTERS = 5, 40


def read(folder: Path, splits: tuple[str, ...]) -> tuple[Split, ...]:
    """Returns the statistics of those of the splits that exist.

    Args:
      folder: folder of the artifact, with a folder for each split.
      splits: names of splits, in the order of the result.
    """
    found = ((split, folder / f"Split-{split}" / FILE) for split in splits)
    return tuple(_split(split, path.read_bytes()) for split, path in found if path.is_file())


def _split(name: str, content: bytes) -> Split:
    from tensorflow_metadata.proto.v0 import statistics_pb2

    [dataset] = statistics_pb2.DatasetFeatureStatisticsList.FromString(content).datasets
    columns = (_column(feature, dataset.num_examples) for feature in dataset.features)
    return Split(name, dataset.num_examples, tuple(sorted(columns, key=lambda column: column.name)))


def _column(feature: Any, rows: int) -> Column:
    kind = feature.WhichOneof("stats")
    stats = getattr(feature, kind)
    values: Numbers | Texts | None = None
    if kind == "num_stats":
        values = _numbers(stats)
    elif kind == "string_stats":
        common = tuple((_short(one.value), round(one.frequency)) for one in stats.top_values[:_COMMON])
        values = Texts(stats.unique, common, stats.avg_length)
    return Column(".".join(feature.path.step), rows, rows - stats.common_stats.num_non_missing, values)


def _numbers(stats: Any) -> Numbers | None:
    if not stats.common_stats.tot_num_values:
        return None
    standard = (one for one in stats.histograms if one.type == one.STANDARD)
    bars = tuple(bucket.sample_count for histogram in standard for bucket in histogram.buckets)
    return Numbers(stats.min, stats.median, stats.max, stats.mean, stats.std_dev, stats.num_zeros, bars)


def _short(text: str) -> str:
    return text if len(text) <= _CHARACTERS else f"{text[:_CHARACTERS]}…"

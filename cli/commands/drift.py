"""`drift`: compares the requests that `serve --record` kept with the data that the last run accepted.

A row of a table may lack a value. A request by tensors cannot, so its client sends the feature's default, which means
the same to the model. In a direct comparison, this default would be a value that the training never saw. So if a
feature has missing values in the training data, its default counts as a missing value.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from limbeck import temporary
from limbeck.cli import exit_codes, quiet
from limbeck.cli.local_run.run_folder import RunFolder
from limbeck.components.artifacts.record_files import read_records, write_records
from limbeck.errors import ConfigError, DataError, UserError
from limbeck.examples import TRAIN
from limbeck.server import recording
from limbeck.task import Feature


def execute(arguments: argparse.Namespace) -> int:
    """Prints the distance of every feature. Returns the exit code of the process.

    Raises:
      ConfigError: if the limit is invalid, or if there are no recorded requests in the folder.
      UserError: if no run has accepted data in the root.
      DataError: if a feature differs by more than the limit, or if recorded requests cannot be read.
    """
    quiet.quieten()
    folder = RunFolder(arguments.root.resolve())
    request = folder.request()
    limit = request.config.drift.threshold if arguments.threshold is None else arguments.threshold
    if not 0 <= limit <= 1:
        raise ConfigError(f"--threshold must be from 0 to 1; received {limit:g}")
    recorded: Path = arguments.recorded
    parts = sorted(recorded.glob(recording.PARTS))
    if not parts:
        raise ConfigError(f"there are no recorded requests in {recorded}: `serve --record {recorded}` keeps some")
    # Imported only now, because it imports TensorFlow.
    from limbeck.components.anomaly_stop import accepted
    from limbeck.components.anomaly_stop.distances import FEWEST_VALUES, counts, distances

    span = accepted.read(str(folder.accepted))
    if span is None:
        raise UserError(f"no run has accepted data in {arguments.root} yet: AnomalyStop of a run does")
    features = request.task.load().features
    names = tuple(feature.name for feature in features)
    lacking = {name for name, counted in counts(span.statistics[TRAIN]) if counted.num_missing}
    with _silence():
        served = statistics_of(parts, span.schema, [one for one in features if one.name in lacking])
        found = distances(names, span.schema, served, span.statistics[TRAIN])
    rows = served.datasets[0].num_examples
    print(f"{rows:,} recorded rows, beside the training split that was accepted last:")
    for one in found:
        print(f"  {one.feature}: {one}{' > ' if one.value > limit else ' <= '}{limit:g}")
    if few := [name for name in names if name not in {one.feature for one in found}]:
        print(f"  not compared, for want of {FEWEST_VALUES} values in both: {', '.join(few)}")
    if far := [one.feature for one in found if one.value > limit]:
        raise DataError(
            f"clients ask about other data than the student was trained on: {', '.join(far)}. Look at them, and train "
            "on data like these, or raise --threshold"
        )
    return exit_codes.DONE


def statistics_of(parts: Collection[Path], schema: Any, lacking: Collection[Feature]) -> Any:
    """Returns the statistics of all rows, a `DatasetFeatureStatisticsList`.

    Args:
      parts: files of serialized tf.Examples.
      schema: the accepted schema, without which numbers that stand for categories would be described as numbers.
      lacking: features whose default counts as a missing value.

    Raises:
      DataError: if a file is damaged or cut off.
    """
    import tensorflow_data_validation as tfdv

    defaults = {one.name: _encoded(one.default) for one in lacking if one.default is not None}
    with temporary.folder() as folder:
        rows = str(folder / "rows.gz")
        write_records(rows, (without(record, defaults) for part in parts for record in _records(part)))
        return tfdv.generate_statistics_from_tfrecord(rows, stats_options=tfdv.StatsOptions(schema=schema))


def _records(part: Path) -> Iterator[bytes]:
    try:
        yield from read_records(str(part))
    except OSError as error:
        raise DataError(
            f"recorded requests must be whole files, but {error}: remove it, or copy it again"
        ) from None


def without(record: bytes, defaults: dict[str, Any]) -> bytes:
    """Returns a serialized tf.Example without those features that only have their default as a value."""
    import tensorflow as tf

    example = tf.train.Example.FromString(record)
    features = example.features.feature
    for name, default in defaults.items():
        if name in features:
            values = getattr(features[name], features[name].WhichOneof("kind") or "bytes_list").value
            if all(one == default for one in values):
                del features[name]
    return bytes(example.SerializeToString())


def _encoded(default: Any) -> Any:
    """Returns a default in the form that a tf.Example holds."""
    import numpy as np

    if isinstance(default, str):
        return default.encode()
    return float(np.float32(default)) if isinstance(default, float) else default


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Suppresses warnings of libraries about themselves."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)

"""What differs between an artifact of a run and the same one made again, of what determinism promises.

Files differ from run to run in the order of their records, in times and in latencies; what they mean must not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.integration.one_run.relocation import Relocation


def differences(original: Path, made: Path, relocation: Relocation) -> list[str]:
    """Compares two folders, file by file.

    Args:
      original: the folder from the run.
      made: the folder that was made again.
      relocation: from the paths that the run knew to those that were known when it was made again.

    Returns:
      What differs, in words.
    """
    files, again = _files(original), _files(made)
    if list(files) != list(again):
        return [f"{original} holds {list(files)}, and {made} holds {list(again)}"]
    return [
        f"{again[name]} differs from {files[name]}"
        for name in files
        if _meaning(files[name], relocation) != _meaning(again[name], relocation)
    ]


def plain(value: Any) -> str:
    """The value of a property; where it is a list in JSON, such as names of splits, in no certain order."""
    if value is not None and value.WhichOneof("value") == "double_value":
        # ML Metadata keeps six decimals in SQLite.
        return f"{value.double_value:.6f}"
    text = str(getattr(value, "string_value", ""))
    return str(sorted(json.loads(text))) if text.startswith("[") else str(value)


def _files(folder: Path) -> dict[str, Path]:
    """The files below a folder, by the part of their name that no clock or process chose."""
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return dict(sorted((re.sub(r"tfevents\..*", "tfevents", name), path) for name, path in files.items()))


def _meaning(path: Path, relocation: Relocation) -> Any:
    """What must be equal of a file; of one that is not known, whether it holds anything."""
    if path.suffix == ".json":
        return _timeless(json.loads(relocation.text(path.read_text(encoding="utf-8"))))
    for pattern, read in _READERS:
        if path.match(pattern):
            return read(path)
    return path.stat().st_size > 0


def _tensors(path: Path) -> dict[str, Any]:
    """Every variable of a checkpoint, to the bit."""
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(path.with_suffix("")))
    values = {name: np.asarray(reader.get_tensor(name)) for name in reader.get_variable_to_shape_map()}
    # The graph of the objects is a serialized message, in no fixed order.
    return {k: (v.dtype, v.shape, v.tobytes()) for k, v in values.items() if v.dtype != np.object_}


def _examples(path: Path) -> list[bytes]:
    import tensorflow as tf

    records = tf.data.TFRecordDataset(str(path), compression_type="GZIP")
    examples = [tf.train.Example.FromString(record.numpy()) for record in records]
    return sorted(example.SerializeToString(deterministic=True) for example in examples)


def _rows(path: Path) -> list[str]:
    import pyarrow.parquet

    return sorted(map(repr, pyarrow.parquet.read_table(str(path)).to_pylist()))


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        # How often a test split was looked at stands outside of the graph.
        left_out = ("seconds", "device", "traffic", "test_split")
        return {k: _timeless(v) for k, v in value.items() if k not in left_out and "latency" not in k}
    return [_timeless(one) for one in value] if isinstance(value, list) else value


_READERS: tuple[tuple[str, Callable[[Path], Any]], ...] = (
    ("variables/variables.index", _tensors),
    ("Split-*/*.gz", _examples),
    ("*.parquet", _rows),
    ("*.tflite", Path.read_bytes),
    ("*.pbtxt", Path.read_bytes),
    ("SchemaDiff.pb", Path.read_bytes),
    # Of an artifact that is a value, such as the page: it is drawn from measurements, and measures nothing.
    ("value", Path.read_bytes),
)

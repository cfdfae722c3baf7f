"""Reads what a run of someone's pipeline left: the newest artifact of a node, examples, and what SavedModels answer."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf

from tests.components.world import features_of


@dataclasses.dataclass(frozen=True)
class SomeonesRun:
    """A run, whose artifacts are below `root/pipeline`."""

    root: Path

    def newest(self, node: str, output: str) -> Path:
        """The newest artifact of an output."""
        return max((self.root / "pipeline" / node / output).iterdir(), key=lambda path: int(path.name))

    def records(self, node: str, output: str, split: str) -> list[bytes]:
        """The serialized examples of a split."""
        files = sorted(str(path) for path in (self.newest(node, output) / f"Split-{split}").iterdir())
        return list(tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator())

    def raw_of(self) -> dict[bytes, bytes]:
        """The raw example of each content id."""
        adapted = [
            features_of(one)
            for split in ("train", "test")
            for one in self.records("ExampleAdapter", "transformed_examples", split)
        ]
        return {one["example_id"][0]: one["raw_example"][0] for one in adapted}

    def predictions(self) -> pa.Table:
        """The predictions for the test split."""
        return pq.read_table(list(self.newest("Predictor", "predictions").glob("test-*.parquet")))

    def measured(self) -> Any:
        return json.loads((self.newest("Predictor", "measurements") / "measurements.json").read_text())

    def decision(self) -> Any:
        return json.loads((self.newest("Gate", "blessing") / "decision.json").read_text())


def answers(saved_model: Path, examples: list[bytes], output: str) -> dict[bytes, Any]:
    """What `serving_default` answers to each raw example, in float64."""
    served = tf.saved_model.load(str(saved_model)).signatures["serving_default"](tf.constant(examples))
    return dict(zip(examples, served[output].numpy().astype(np.float64), strict=True))


def softmax(logits: Any) -> Any:
    """In float64, over the last axis."""
    exponents = np.exp(np.asarray(logits, np.float64) - np.max(logits, axis=-1, keepdims=True))
    return exponents / exponents.sum(axis=-1, keepdims=True)


def content_id(example_id: bytes) -> bytes:
    """The id without the number of the row among those of equal content."""
    return example_id.rpartition(b"-")[0]

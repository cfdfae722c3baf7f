"""Loads a served model where nothing of ours can be imported: run as a program, with the model and examples."""

from __future__ import annotations

import importlib.abc
import json
import sys
from pathlib import Path

REFUSED = {
    *("trainer", "launchers", "components", "pipeline", "kubeflow", "cli", "tasks"),
    *("tfx", "tfx_bsl", "tensorflow_transform", "tf_keras", "apache_beam"),
}


class Refuse(importlib.abc.MetaPathFinder):
    """An import hook that knows no mercy."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Raises for every refused top-level package."""
        if name.partition(".")[0] in REFUSED:
            raise ImportError(f"the served model needs {name}")


def main(model: str, records: str, answer: str) -> None:
    """Writes what the model says of the examples in a TFRecord file, by both signatures, to a JSON file."""
    sys.meta_path.insert(0, Refuse())
    import tensorflow as tf

    loaded = tf.saved_model.load(model)
    serialized = tf.constant([record.numpy() for record in tf.data.TFRecordDataset(records)])
    spec = {"pixels": tf.io.FixedLenFeature([64], tf.float32), "digit": tf.io.FixedLenFeature([], tf.int64)}
    parsed = tf.io.parse_example(serialized, spec)
    by_examples = loaded.signatures["serving_default"](serialized)
    by_tensors = loaded.signatures["serving_tensors"](pixels=parsed["pixels"])
    result = {
        "digit": parsed["digit"].numpy().tolist(),
        "examples": {name: value.numpy().tolist() for name, value in by_examples.items()},
        "tensors": {name: value.numpy().tolist() for name, value in by_tensors.items()},
    }
    Path(answer).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])

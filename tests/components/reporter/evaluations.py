"""What the Evaluator writes: its real output, and the same with other figures."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_model_analysis as tfma
from tfx.components.evaluator.executor import Executor
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact
from tfx.utils import json_utils, proto_utils

from limbeck.components.evaluator.evaluation import evaluation_config
from tests.components import rehearsal, shapes
from tests.components.world import Row, World, raw_example, write_split


def labelled_rows(world: World) -> list[Row]:
    """The raw test rows that have a label: stock TFMA cannot evaluate the others."""
    return [row for row in world.rows["test"] if row["kind"]]


def evaluate(world: World, rows: list[Row], folder: Path) -> Artifact:
    """Runs the stock Evaluator on raw rows, and returns the ModelEvaluation."""
    examples = rehearsal.examples(folder / "raw", ["test"])
    write_split(examples, "test", [raw_example(row) for row in rows], "data_tfrecord")
    evaluation = rehearsal.artifact(standard_artifacts.ModelEvaluation, folder / "evaluation")
    properties = {
        "eval_config": proto_utils.proto_to_json(evaluation_config(shapes.TASK)),
        "example_splits": json_utils.dumps(["test"]),
        "fairness_indicator_thresholds": "null",
        "module_path": "limbeck.components.evaluator.evaluation",
    }
    inputs = {"examples": examples, "model": world.models["student"], "baseline_model": world.models["teacher"]}
    blessing = rehearsal.artifact(standard_artifacts.ModelBlessing, folder / "blessing")
    rehearsal.run(Executor, inputs, {"evaluation": evaluation, "blessing": blessing}, properties, folder)
    return evaluation


def metrics(evaluation: str) -> list[Any]:
    """The `MetricsForSlice` messages of an evaluation."""
    return list(tfma.load_metrics(evaluation))


def write_metrics(evaluation: Path, messages: Iterable[Any]) -> None:
    """Puts other messages in their place."""
    [file] = evaluation.glob("metrics-*")
    with tf.io.TFRecordWriter(str(file)) as writer:
        for message in messages:
            writer.write(message.SerializeToString())

"""Runs Predictor: the student over every example on Beam, then size and latency of both models."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.artifacts import Artifacts, split_files, split_names
from components.predictor import tables
from trainer import interpreter
from trainer.config import from_json, to_json
from trainer.export import folder_bytes
from trainer.latency import LatencyRequest, LatencyResult
from trainer.task import EXAMPLE_ID, LABEL, TEACHER_LOGITS, TEST


class Executor(base_beam_executor.BaseBeamExecutor):
    """Examples with soft targets, and both models -> predictions and measurements."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:  # noqa: N802
        """Called by TFX.

        Raises:
          DataError: where an example has a label that the task does not declare.
        """
        uri = {key: artifact_utils.get_single_uri(value) for key, value in (input_dict | output_dict).items()}
        models = {
            tables.TEACHER: path_utils.serving_model_path(uri["teacher"]),
            tables.STUDENT: path_utils.serving_model_path(uri["student"]),
        }
        self._write_predictions(input_dict["labelled_examples"], models[tables.STUDENT], uri["predictions"])
        tables.assert_labels_declared(tables.read(uri["predictions"]))
        latencies = _latencies(models, split_files(input_dict["raw_examples"], TEST)[0], self._get_tmp_dir())
        facts = {
            name: tables.ModelFacts(
                parameters=_parameters(uri[f"{name}_run"]),
                bytes=folder_bytes(Path(folder)),
                latency_ms=latencies.latencies[name],
            )
            for name, folder in models.items()
        }
        file = Path(uri["measurements"]) / tables.MEASUREMENTS_FILE
        file.write_text(to_json(tables.Measured(facts)), encoding="utf-8")

    def _write_predictions(self, examples: list[Any], student: str, destination: str) -> None:
        import apache_beam as beam
        from apache_beam.ml.inference.base import RunInference

        from components.scoring import TransformedExamplesHandler

        with self._make_beam_pipeline() as pipeline:
            for split in split_names(examples):
                (
                    pipeline
                    | f"Files[{split}]" >> beam.Create(split_files(examples, split))
                    | f"Read[{split}]" >> beam.io.ReadAllFromTFRecord()
                    | f"Score[{split}]" >> RunInference(TransformedExamplesHandler(student))
                    | f"Rows[{split}]"
                    >> beam.FlatMap(lambda one, split: rows_of(one.example, one.inference, split), split)
                    | f"Write[{split}]"
                    >> beam.io.WriteToParquet(f"{destination}/{split}", tables.SCHEMA, file_name_suffix=".parquet")
                )


def rows_of(example: bytes, student_logits: Any, split: str) -> list[dict[str, Any]]:
    """The teacher's and the student's row for one example.

    Args:
      example: serialized tf.Example with `example_id`, `label` and `teacher_logits`.
      student_logits: float32 `[1, classes]`.
      split: that the example belongs to.
    """
    import tensorflow as tf

    features = tf.train.Example.FromString(example).features.feature
    classes = student_logits.shape[-1]
    teachers = tables.as_members(features[TEACHER_LOGITS].float_list.value, classes)
    common = {
        "example_id": features[EXAMPLE_ID].bytes_list.value[0].decode(),
        "split": split,
        "label": features[LABEL].int64_list.value[0],
    }
    return [
        common | {"model": name, "logits": tables.ensemble_logits(members).tolist()}
        for name, members in ((tables.TEACHER, teachers), (tables.STUDENT, student_logits))
    ]


def _latencies(models: dict[str, str], examples: str, scratch: str) -> LatencyResult:
    request, result = Path(scratch) / "request.json", Path(scratch) / "result.json"
    request.parent.mkdir(parents=True, exist_ok=True)
    request.write_text(to_json(LatencyRequest(models, examples)), encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "trainer.latency", str(request), str(result)],
        env=interpreter.environment(os.environ),
        check=True,
    )
    return from_json(LatencyResult, result.read_text(encoding="utf-8"))


def _parameters(model_run: str) -> int:
    history = json.loads((Path(model_run) / "history.json").read_text(encoding="utf-8"))
    return int(history["parameters"])

"""Runs Predictor: the students score every example on Beam or on a cluster; then all models are measured."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from limbeck import files
from limbeck.beam_processes.in_memory import is_alone
from limbeck.components.artifacts.files import Artifacts, single_uris, split_files, split_names
from limbeck.components.artifacts.scratch import local_folder
from limbeck.components.predictor import tables
from limbeck.components.predictor.asked import AskedModels
from limbeck.components.predictor.rows import Row, row_of, rows_of_seeds, scores, teacher_row
from limbeck.components.properties.code import task_of
from limbeck.components.teacher_labeler import provenance
from limbeck.compression_record import CompressionRecord
from limbeck.examples import TEST
from limbeck.launchers.local import programs
from limbeck.models import COMPRESSED, MODELS, STUDENT, TEACHER
from limbeck.records import from_json, to_json
from limbeck.reference import TaskRef
from limbeck.settings import operational
from limbeck.settings.labelling import LabellingConfig
from limbeck.settings.scoring import ScoringConfig
from limbeck.trainer.distillation.stored import record
from limbeck.trainer.job import FURTHER_MODELS
from limbeck.trainer.serving import latency
from limbeck.trainer.serving.compressed import FILE, RECORD
from limbeck.trainer.serving.latency import LatencyRequest, LatencyResult


class Executor(base_beam_executor.BaseBeamExecutor):
    """Examples with soft targets, and the models -> predictions and measurements."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:  # noqa: N802
        """Called by TFX.

        Raises:
          DataError: if an example has a label that the task does not declare, or if another teacher made the soft
            targets.
        """
        provenance.assert_from(input_dict, "labelled_examples", TEACHER)
        uri = single_uris(input_dict, output_dict)
        models = {name: path_utils.serving_model_path(uri[name]) for name in MODELS if name in uri}
        task = task_of(exec_properties)
        objective = task.load().objective
        further = {name: files.join(uri[f"{name}_run"], FURTHER_MODELS) for name in models}
        further = {name: folder for name, folder in further.items() if files.exists(f"{folder}/saved_model.pb")}
        scoring = operational.read(os.environ).scoring
        labelled = input_dict["labelled_examples"]
        if scoring.on_cluster or is_alone(PipelineOptions(self._beam_pipeline_args)):
            labelling = record.read(artifact_utils.get_single_uri(labelled)).labelling
            asked = AskedModels.of(models, further, task, labelling)
            self._predict_over_files(scoring, labelled, asked, uri["predictions"])
        else:
            self._predict_with_beam(labelled, models, further, task, uri["predictions"])
        for split in split_names(labelled):
            labels = tables.read(uri["predictions"], split, STUDENT, ["split", "model", "label"])
            tables.assert_labels_declared(labels, objective)
        predictions = tables.read_test_split(uri["predictions"])
        with local_folder(self._get_tmp_dir()) as scratch:
            latencies = _latencies(models, split_files(input_dict["raw_examples"], TEST)[0], scratch)
        facts = {
            name: tables.ModelFacts(
                parameters=_parameters(uri[f"{name}_run"]),
                bytes=_bytes(name, folder),
                latency_ms=latencies.latencies[name],
            )
            for name, folder in models.items()
        }
        found = {name: tables.quality(predictions, name, TEST, objective) for name in facts}
        metrics = {name: one.metrics(objective) for name, one in found.items()}
        examples = {name: one.examples for name, one in found.items()}
        compression = _compression(models)
        measured = tables.Measured(facts, objective.measure, metrics, examples, objective.wording, compression)
        files.write_text(files.join(uri["measurements"], tables.MEASUREMENTS_FILE), to_json(measured))

    def _predict_with_beam(
        self, examples: list[Any], models: dict[str, str], further: dict[str, str], task: TaskRef, destination: str
    ) -> None:
        import apache_beam as beam
        from apache_beam.ml.inference.base import RunInference

        columns = tables.schema(task.load().objective)
        labelling = record.read(artifact_utils.get_single_uri(examples)).labelling
        with self._make_beam_pipeline() as pipeline:
            for split in split_names(examples):
                labelled = (
                    pipeline
                    | f"Files[{split}]" >> beam.Create(split_files(examples, split))
                    | f"Read[{split}]" >> beam.io.ReadAllFromTFRecord()
                )
                rows = {
                    name: labelled
                    | f"Score[{split},{name}]" >> RunInference(_handler(name, folder))
                    | f"Rows[{split},{name}]" >> beam.Map(student_row, name, split)
                    for name, folder in models.items()
                    if scores(name, split)
                }
                rows[TEACHER] = labelled | f"Rows[{split}]" >> beam.Map(_teacher_row_of, task, split, labelling)
                if split == TEST:
                    self._write_seeds(labelled, further, columns, destination)
                _ = (
                    rows.values()
                    | f"Flatten[{split}]" >> beam.Flatten()
                    | f"Write[{split}]"
                    >> beam.io.WriteToParquet(f"{destination}/{split}", columns, file_name_suffix=".parquet")
                )

    def _predict_over_files(
        self, scoring: ScoringConfig, examples: list[Any], asked: AskedModels, destination: str
    ) -> None:
        from limbeck.components.mapping.cluster import Needs
        from limbeck.components.mapping.this_process import cluster_or_this
        from limbeck.components.predictor import over_files

        scratch = self._get_tmp_dir()
        for folder in (scratch, destination):
            files.make_folder(folder)
        parts = [
            part
            for split in split_names(examples)
            for part in over_files.parts_of(split, split_files(examples, split), destination, scratch)
        ]
        if asked.further:
            parts += over_files.parts_of(TEST, split_files(examples, TEST), destination, scratch, seeds=True)
        readable = tuple(part.source for part in parts[:1])
        with cluster_or_this(scoring, Needs(asked.task, scratch, readable)) as cluster:
            over_files.predict(parts, asked, cluster)

    @staticmethod
    def _write_seeds(labelled: Any, further: dict[str, str], columns: Any, destination: str) -> None:
        """Writes the answers of the students of further seeds to the test split; nothing if there are none."""
        import apache_beam as beam
        import pyarrow as pa
        from apache_beam.ml.inference.base import RunInference

        from limbeck.components.inference.handler import TransformedExamplesHandler

        rows = [
            labelled
            | f"Score seeds[{name}]" >> RunInference(TransformedExamplesHandler(folder))
            | f"Rows of seeds[{name}]" >> beam.FlatMap(seed_rows, name, TEST)
            for name, folder in further.items()
        ]
        if rows:
            _ = (
                rows
                | "Flatten seeds" >> beam.Flatten()
                | "Write seeds"
                >> beam.io.WriteToParquet(
                    f"{destination}/{tables.SEEDS}",
                    columns.append(pa.field("seed", pa.int64())),
                    file_name_suffix=".parquet",
                )
            )


def seed_rows(scored: Any, name: str, split: str) -> list[Row]:
    """Returns a row for each further seed of a student, with the column `seed`; arguments are as for `student_row`."""
    return rows_of_seeds(scored.example, name, split, scored.inference)


def _handler(name: str, folder: str) -> Any:
    from limbeck.components.inference.handler import CompressedModelHandler, TransformedExamplesHandler

    return (CompressedModelHandler if MODELS[name].compressed else TransformedExamplesHandler)(folder)


def _bytes(name: str, folder: str) -> int:
    """Returns the size of what is shipped of a model: its SavedModel, or its file."""
    return files.size(files.join(folder, FILE)) if MODELS[name].compressed else files.folder_bytes(folder)


def _teacher_row_of(example: bytes, task: TaskRef, split: str, labelling: LabellingConfig) -> Row:
    # Takes the reference, because a Beam worker can unpickle a task's objects only after it has loaded the task's
    # module.
    return teacher_row(example, task.load().objective, split, labelling)


def student_row(scored: Any, name: str, split: str) -> Row:
    """Returns a student's row for one example.

    Args:
      scored: Beam's `PredictionResult` of a serialized tf.Example and float32 logits `[1, outputs]`.
      name: name of the student.
      split: split of the example.
    """
    return row_of(scored.example, name, split, scored.inference[0])


def _latencies(models: dict[str, str], examples: str, scratch: Path) -> LatencyResult:
    request, result = scratch / "request.json", scratch / "result.json"
    compressed = {name: folder for name, folder in models.items() if MODELS[name].compressed}
    saved = {name: folder for name, folder in models.items() if name not in compressed}
    request.write_text(to_json(LatencyRequest(saved, examples, compressed=compressed)), encoding="utf-8")
    programs.run(latency.__name__, [str(request), str(result)], scratch)
    return from_json(LatencyResult, result.read_text(encoding="utf-8"))


def _compression(models: dict[str, str]) -> CompressionRecord | None:
    folder = models.get(COMPRESSED)
    return None if folder is None else from_json(CompressionRecord, files.read_text(files.join(folder, RECORD)))


def _parameters(model_run: str) -> int:
    history = json.loads(files.read_text(files.join(model_run, "history.json")))
    return int(history["parameters"])

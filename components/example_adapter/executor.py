"""Runs ExampleAdapter on Beam: adapts every example, and writes the transform graph that describes the result."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import apache_beam as beam
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils

from limbeck import files
from limbeck.components.artifacts.files import TRANSFORMED_PREFIX, Artifacts, single_uris, split_files
from limbeck.components.artifacts.record_files import records_of, write_records
from limbeck.components.example_adapter.adaptation import Adaptation, adapted_spec
from limbeck.components.properties.code import task_of
from limbeck.errors import DataError
from limbeck.examples import TEST
from limbeck.records import from_json
from limbeck.reference import TaskRef
from limbeck.splits import Splits

# `limbeck.trainer.serving.latency` reads this many examples.
SAMPLE = 256
_PAYLOAD, _TF_EXAMPLE = "payload_format", "FORMAT_TF_EXAMPLE"


class Executor(base_beam_executor.BaseBeamExecutor):
    """Raw examples and a transform graph -> a sample of them, adapted examples, and the graph that describes them."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:  # noqa: N802
        """Called by TFX.

        Raises:
          UserError: if the examples or the graph do not fit the task (`adapted_spec`), or if a split is missing.
        """
        task = task_of(exec_properties)
        splits = from_json(Splits, exec_properties["splits"]).given()
        uri = single_uris(input_dict, output_dict)
        _assert_examples(artifact_utils.get_single_instance(input_dict["raw_examples"]))
        found = {ours: split_files(input_dict["raw_examples"], theirs) for ours, theirs in splits.items()}
        _write_graph(task, uri["raw_transform_graph"], uri["transform_graph"])
        _write_sample(found[TEST], output_dict["examples"])
        adapted = artifact_utils.get_single_instance(output_dict["transformed_examples"])
        adapted.split_names = artifact_utils.encode_split_names(list(splits))
        with self._make_beam_pipeline() as pipeline:
            for split, paths in found.items():
                (
                    pipeline
                    | f"Files[{split}]" >> beam.Create(paths)
                    | f"Read[{split}]" >> beam.io.ReadAllFromTFRecord()
                    | f"Batch[{split}]" >> beam.BatchElements(min_batch_size=1, max_batch_size=1024)
                    | f"Adapt[{split}]" >> beam.ParDo(_Adapt(task, uri["raw_transform_graph"]))
                    | f"Write[{split}]"
                    >> beam.io.WriteToTFRecord(
                        f"{artifact_utils.get_split_uris([adapted], split)[0]}/{TRANSFORMED_PREFIX}",
                        file_name_suffix=".gz",
                    )
                )


class _Adapt(beam.DoFn):
    """Adapts batches. Each process loads the graph once."""

    def __init__(self, task: TaskRef, graph: str) -> None:
        self._task, self._graph = task, graph

    def setup(self) -> None:
        self._adapt = Adaptation(self._task.load(), _opened(self._graph))

    def process(self, batch: list[bytes]) -> Iterable[bytes]:
        return self._adapt(batch)


def _opened(graph: str) -> Any:
    import tensorflow_transform as tft

    return tft.TFTransformOutput(files.local_copy(graph))


def _assert_examples(examples: Any) -> None:
    payload = examples.get_string_custom_property(_PAYLOAD)
    if payload not in ("", _TF_EXAMPLE):
        raise DataError(
            f"the examples in {examples.uri} must be tf.Examples, but are {payload}: give ExampleGen an "
            f"output_config with {_TF_EXAMPLE}"
        )


def _write_graph(task: TaskRef, source: str, destination: str) -> None:
    """Copies a transform graph, and describes the adapted examples in it instead of the transformed ones."""
    import tensorflow_transform as tft
    from google.protobuf import text_format
    from tensorflow_transform.tf_metadata import schema_utils

    spec = adapted_spec(task.load(), _opened(source))
    files.copy_folder(source, destination)
    schema = files.join(destination, tft.TFTransformOutput.TRANSFORMED_METADATA_DIR, "schema.pbtxt")
    files.write_text(schema, text_format.MessageToString(schema_utils.schema_from_feature_spec(spec)))


def _write_sample(paths: list[str], examples: Artifacts | Any) -> None:
    """Writes the first raw examples of the test split. Models are timed and tested with them."""
    sample = artifact_utils.get_single_instance(examples)
    sample.split_names = artifact_utils.encode_split_names([TEST])
    records = list(itertools.islice(records_of(paths), SAMPLE))
    if not records:
        raise DataError(f"there is no example to judge models with in {paths}: name another split as Splits.test")
    folder = artifact_utils.get_split_uris([sample], TEST)[0]
    files.make_folder(folder)
    write_records(files.join(folder, "data_tfrecord-00000-of-00001.gz"), records)

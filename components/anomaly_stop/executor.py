"""Runs AnomalyStop: raises one error for bad data, and names everything that is wrong in it."""

from __future__ import annotations

import logging
from typing import Any

from tfx.components.example_validator.executor import DEFAULT_FILE_NAME
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils

from limbeck import events
from limbeck.components.anomaly_stop import accepted, curated
from limbeck.components.anomaly_stop.data_check import check_data, listing
from limbeck.components.anomaly_stop.declared import missing_from_schema, missing_from_split
from limbeck.components.artifacts.files import Artifacts
from limbeck.components.example_gen import input_notes, label_counts
from limbeck.components.properties.code import task_of
from limbeck.components.properties.sections import Section
from limbeck.errors import DataError
from limbeck.settings.drift import DriftConfig
from limbeck.task import Task


class Executor(base_executor.BaseExecutor):
    """Statistics, schema and anomalies -> the accepted schema and statistics, or an error."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:  # noqa: N802
        """Called by TFX.

        Raises:
          DataError: if ExampleValidator found anomalies, if the data or a split of them lack what the task declares,
            or if they differ from what the task's schema allows, or from what was accepted before. What is accepted
            stays unchanged then.
        """
        folder, generation = exec_properties["accepted"], exec_properties["generation"]
        task = task_of(exec_properties).load()
        span, baseline, before = _span(input_dict), accepted.read(folder), accepted.generation(folder)
        limits = Section(DriftConfig).decode(exec_properties)
        wrong = [
            *missing_from_schema(task, span.schema),
            *missing_from_split(task, span),
            *_anomalies(artifact_utils.get_single_instance(input_dict["anomalies"])),
        ]
        checked = check_data(
            task, limits, span, baseline, replacing=generation > before, curated=curated.read(task)
        )
        _stop(tuple(wrong) + checked.faults, checked.changes, task)
        accepted.replace(folder, checked.accepted, max(generation, before))
        examples = artifact_utils.get_single_uri(input_dict["examples"])
        counted = label_counts.notes(label_counts.read(examples), task)
        for note in (*checked.notes, *input_notes.read(examples), *counted):
            events.note(note, logging.info)


def _stop(faults: tuple[str, ...], changes: tuple[str, ...], task: Task) -> None:
    if not faults and not changes:
        return
    listed = "\n".join(f"  - {one}" for one in (*faults, *changes))
    advice = "correct the data and run again"
    if faults and task.schema is not None:
        advice += f"; if the data are right and the task's schema is not, correct {task.schema}"
    if changes:
        advice += (
            "; if the change is intended, run with --accept-schema, which replaces the accepted schema and "
            "statistics by those of these data"
        )
    raise DataError(f"the data are not what they should be:\n{listed}\n{advice}")


def _span(inputs: Artifacts) -> accepted.Span:
    from tensorflow_metadata.proto.v0 import schema_pb2
    from tfx.components.statistics_gen import stats_artifact_utils

    schema_file = io_utils.get_only_uri_in_dir(artifact_utils.get_single_uri(inputs["schema"]))
    statistics = artifact_utils.get_single_instance(inputs["statistics"])
    return accepted.Span(
        io_utils.parse_pbtxt_file(schema_file, schema_pb2.Schema()),
        {
            split: stats_artifact_utils.load_statistics(statistics, split).proto()
            for split in artifact_utils.decode_split_names(statistics.split_names)
        },
    )


def _anomalies(artifact: Any) -> list[str]:
    from tensorflow_metadata.proto.v0 import anomalies_pb2

    found = []
    for split in artifact_utils.decode_split_names(artifact.split_names):
        uri = artifact_utils.get_split_uris([artifact], split)[0]
        found += listing(
            split, anomalies_pb2.Anomalies.FromString(io_utils.read_bytes_file(f"{uri}/{DEFAULT_FILE_NAME}"))
        )
    return found

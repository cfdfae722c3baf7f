"""Runs TeacherLabeler on Beam or on a cluster: every teacher scores every example of every split once."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from limbeck import events, files, memory
from limbeck.beam_processes import in_memory
from limbeck.beam_processes.in_memory import is_alone
from limbeck.components.artifacts.files import TRANSFORMED_PREFIX, Artifacts, split_files, split_names
from limbeck.components.artifacts.record_files import content_bytes, records_of
from limbeck.components.properties.code import task_of
from limbeck.components.properties.sections import Section
from limbeck.components.teacher_labeler import over_files, provenance
from limbeck.components.teacher_labeler.examples import attach_logits, content_id_of, numbered
from limbeck.components.teacher_labeler.over_files import SplitFiles
from limbeck.examples import TRAIN
from limbeck.reference import TaskRef
from limbeck.settings import operational
from limbeck.settings.labelling import LabellingConfig
from limbeck.settings.scoring import ScoringConfig
from limbeck.trainer.distillation.stored import record
from limbeck.trainer.distillation.stored.example import stored_bytes, teacher_logits
from limbeck.trainer.distillation.stored.form import StoredForm, form_of

_log = logging.getLogger(__name__)


class Executor(base_beam_executor.BaseBeamExecutor):
    """Transformed examples and teachers -> the same examples with the soft targets of each teacher."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:  # noqa: N802
        """Called by TFX.

        Raises:
          ConfigError: if the form of the soft targets makes no sense for the kind of label.
        """
        teachers = path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict["model"]))
        labelled = artifact_utils.get_single_instance(output_dict["labelled_examples"])
        names = split_names(input_dict["examples"])
        labelling = Section(LabellingConfig).decode(exec_properties)
        objective = task_of(exec_properties).load().objective
        # Models are judged on the other splits, which need all logits.
        forms = {split: form_of(labelling if split == TRAIN else LabellingConfig(), objective) for split in names}
        provenance.sign(labelled, teachers)
        labelled.split_names = artifact_utils.encode_split_names(list(names))
        splits = [
            SplitFiles(
                split,
                split_files(input_dict["examples"], split),
                artifact_utils.get_split_uris([labelled], split)[0],
                forms[split],
            )
            for split in names
        ]
        scoring = operational.read(os.environ).scoring
        if scoring.on_cluster or is_alone(PipelineOptions(self._beam_pipeline_args)):
            self._label_over_files(scoring, task_of(exec_properties), teachers, splits)
        else:
            self._label_with_beam(teachers, splits)
        _note_sizes(labelled.uri, split_files([labelled], TRAIN), labelling, forms[TRAIN])

    def _label_with_beam(self, teachers: str, splits: Sequence[SplitFiles]) -> None:
        import apache_beam as beam
        from apache_beam.ml.inference.base import RunInference

        from limbeck.components.inference.handler import TransformedExamplesHandler

        if in_memory.is_local(PipelineOptions(self._beam_pipeline_args)):
            rows = sum(content_bytes(source) for work in splits for source in work.sources)
            memory.assert_room(
                "TeacherLabeler", rows, 1.0, f"set beam.workers=1 or scoring.engine, or {in_memory.REMEDY}"
            )
        with self._make_beam_pipeline() as pipeline:
            for work in splits:
                split = work.split
                (
                    pipeline
                    | f"Files[{split}]" >> beam.Create(work.sources)
                    | f"Read[{split}]" >> beam.io.ReadAllFromTFRecord()
                    | f"Key[{split}]" >> beam.Map(lambda example: (content_id_of(example), example))
                    | f"Group[{split}]" >> beam.GroupByKey()
                    | f"Number[{split}]" >> beam.FlatMapTuple(number_occurrences)
                    | f"Score[{split}]" >> RunInference(TransformedExamplesHandler(teachers))
                    | f"Attach[{split}]" >> beam.Map(_attach, work.form)
                    | f"Write[{split}]"
                    >> beam.io.WriteToTFRecord(f"{work.folder}/{TRANSFORMED_PREFIX}", file_name_suffix=".gz")
                )

    def _label_over_files(
        self, scoring: ScoringConfig, task: TaskRef, teachers: str, splits: Sequence[SplitFiles]
    ) -> None:
        from limbeck.components.inference.batches import SavedModel
        from limbeck.components.mapping.cluster import Needs
        from limbeck.components.mapping.this_process import cluster_or_this

        scratch = self._get_tmp_dir()
        files.make_folder(scratch)
        for split in splits:
            files.make_folder(split.folder)
        readable = (files.join(teachers, "saved_model.pb"), *splits[0].sources[:1])
        with cluster_or_this(scoring, Needs(task, scratch, readable)) as cluster:
            over_files.label(splits, SavedModel.of(teachers), scratch, cluster)


def _attach(scored: Any, form: StoredForm) -> bytes:
    return attach_logits(scored.example, scored.inference, form)


def _note_sizes(folder: str, shards: Sequence[str], labelling: LabellingConfig, form: StoredForm) -> None:
    """Notes the form and the size of the training split. Logs them, unless all logits were stored."""
    import tensorflow as tf

    first = next((tf.train.Example.FromString(one) for one in records_of(shards)), None)
    made = record.StoredRecord(
        labelling=labelling,
        teachers=0 if first is None else len(teacher_logits(first, form)),
        outputs=form.outputs,
        example_bytes=0 if first is None else stored_bytes(first),
        split_bytes=sum(files.size(shard) for shard in shards),
    )
    record.write(folder, made)
    if not form.plain:
        events.note(f"the soft targets of the training split are stored as {made.size_words}", _log.info)


def number_occurrences(content_id: bytes, examples: Iterable[bytes]) -> Iterator[bytes]:
    """Makes ids unique within a split: rows of equal content get `<content id>-0`, `<content id>-1` and so on.

    Such rows are interchangeable, so it does not matter which row gets which number.
    """
    for number, example in enumerate(examples):
        yield numbered(content_id, number, example)

"""Runs TeacherLabeler on Beam: every teacher scores every example of every split once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from limbeck import events, files
from limbeck.components.artifacts.files import TRANSFORMED_PREFIX, Artifacts, split_files, split_names
from limbeck.components.properties.code import task_of
from limbeck.components.properties.sections import Section
from limbeck.components.teacher_labeler import provenance
from limbeck.examples import EXAMPLE_ID, RAW_EXAMPLE, TRAIN
from limbeck.settings.labelling import LabellingConfig
from limbeck.trainer.distillation.stored import record
from limbeck.trainer.distillation.stored.example import put, stored_bytes, teacher_logits
from limbeck.trainer.distillation.stored.form import StoredForm, form_of


class Executor(base_beam_executor.BaseBeamExecutor):
    """Transformed examples and teachers -> the same examples with the soft targets of each teacher."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:  # noqa: N802
        """Called by TFX.

        Raises:
          ConfigError: if the form of the soft targets makes no sense for the kind of label.
        """
        import apache_beam as beam
        from apache_beam.ml.inference.base import RunInference

        from limbeck.components.inference.handler import TransformedExamplesHandler

        teachers = path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict["model"]))
        labelled = artifact_utils.get_single_instance(output_dict["labelled_examples"])
        splits = split_names(input_dict["examples"])
        labelling = Section(LabellingConfig).decode(exec_properties)
        objective = task_of(exec_properties).load().objective
        # Models are judged by the other splits.
        forms = {split: form_of(labelling if split == TRAIN else LabellingConfig(), objective) for split in splits}
        provenance.sign(labelled, teachers)
        labelled.split_names = artifact_utils.encode_split_names(list(splits))
        with self._make_beam_pipeline() as pipeline:
            for split in splits:
                (
                    pipeline
                    | f"Files[{split}]" >> beam.Create(split_files(input_dict["examples"], split))
                    | f"Read[{split}]" >> beam.io.ReadAllFromTFRecord()
                    | f"Key[{split}]" >> beam.Map(lambda example: (content_id_of(example), example))
                    | f"Group[{split}]" >> beam.GroupByKey()
                    | f"Number[{split}]" >> beam.FlatMapTuple(number_occurrences)
                    | f"Score[{split}]" >> RunInference(TransformedExamplesHandler(teachers))
                    | f"Attach[{split}]" >> beam.Map(_attach, forms[split])
                    | f"Write[{split}]"
                    >> beam.io.WriteToTFRecord(
                        f"{artifact_utils.get_split_uris([labelled], split)[0]}/{TRANSFORMED_PREFIX}",
                        file_name_suffix=".gz",
                    )
                )
        _note_sizes(labelled.uri, split_files([labelled], TRAIN), labelling, forms[TRAIN])


def _attach(scored: Any, form: StoredForm) -> bytes:
    return attach_logits(scored.example, scored.inference, form)


def _note_sizes(folder: str, shards: Sequence[str], labelling: LabellingConfig, form: StoredForm) -> None:
    """Writes down the form of the training split, and what its files take. Says it, unless all logits were stored."""
    import tensorflow as tf

    records = tf.data.TFRecordDataset(list(shards), compression_type="GZIP").take(1).as_numpy_iterator()
    first = next((tf.train.Example.FromString(one) for one in records), None)
    made = record.StoredRecord(
        labelling=labelling,
        teachers=0 if first is None else len(teacher_logits(first, form)),
        outputs=form.outputs,
        example_bytes=0 if first is None else stored_bytes(first),
        split_bytes=sum(files.size(shard) for shard in shards),
    )
    record.write(folder, made)
    if not form.plain:
        events.emit("note", text=f"the soft targets of the training split are stored as {made.size_words}")


def content_id_of(example: bytes) -> bytes:
    """Returns the `example_id` of a serialized tf.Example, as Transform wrote it; equal for rows of equal content."""
    import tensorflow as tf

    return bytes(tf.train.Example.FromString(example).features.feature[EXAMPLE_ID].bytes_list.value[0])


def number_occurrences(content_id: bytes, examples: Iterable[bytes]) -> Iterator[bytes]:
    """Makes ids unique within a split: rows of equal content get `<content id>-0`, `<content id>-1` and so on.

    Such rows are interchangeable, so it does not matter which row gets which number.
    """
    import tensorflow as tf

    for number, example in enumerate(examples):
        message = tf.train.Example.FromString(example)
        message.features.feature[EXAMPLE_ID].bytes_list.value[:] = [b"%s-%d" % (content_id, number)]
        yield bytes(message.SerializeToString(deterministic=True))


def attach_logits(example: bytes, logits: Any, form: StoredForm | None = None) -> bytes:
    """Adds soft targets to a serialized tf.Example, and takes the raw example out, if it is there.

    Args:
      example: serialized transformed tf.Example.
      logits: float32 `[teachers, classes]`.
      form: how they are stored; None: in full, as `teacher_logits`, row by row.

    Returns:
      The serialized tf.Example, with its features in a fixed order.
    """
    import tensorflow as tf

    message = tf.train.Example.FromString(example)
    put(message, logits, form or StoredForm(logits.shape[1]))
    # Nothing reads it from here on.
    message.features.feature.pop(RAW_EXAMPLE, None)
    return bytes(message.SerializeToString(deterministic=True))

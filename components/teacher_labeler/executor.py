"""Runs TeacherLabeler on Beam: every teacher scores every example of every split once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from limbeck.components.artifacts.files import TRANSFORMED_PREFIX, Artifacts, split_files, split_names
from limbeck.components.teacher_labeler import provenance
from limbeck.examples import EXAMPLE_ID, RAW_EXAMPLE, TEACHER_LOGITS


class Executor(base_beam_executor.BaseBeamExecutor):
    """Transformed examples and teachers -> the same examples with `teacher_logits` `[teachers, classes]`."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:  # noqa: N802
        """Called by TFX."""
        import apache_beam as beam
        from apache_beam.ml.inference.base import RunInference

        from limbeck.components.inference.handler import TransformedExamplesHandler

        teachers = path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict["model"]))
        labelled = artifact_utils.get_single_instance(output_dict["labelled_examples"])
        splits = split_names(input_dict["examples"])
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
                    | f"Attach[{split}]"
                    >> beam.Map(lambda scored: attach_logits(scored.example, scored.inference))
                    | f"Write[{split}]"
                    >> beam.io.WriteToTFRecord(
                        f"{artifact_utils.get_split_uris([labelled], split)[0]}/{TRANSFORMED_PREFIX}",
                        file_name_suffix=".gz",
                    )
                )


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


def attach_logits(example: bytes, logits: Any) -> bytes:
    """Adds `teacher_logits` to a serialized tf.Example, and takes the raw example out, if it is there.

    Args:
      example: serialized transformed tf.Example.
      logits: float32 `[teachers, classes]`, stored row by row.

    Returns:
      The serialized tf.Example, with its features in a fixed order.
    """
    import tensorflow as tf

    message = tf.train.Example.FromString(example)
    message.features.feature[TEACHER_LOGITS].float_list.value[:] = logits.reshape(-1).tolist()
    # Nothing reads it from here on.
    message.features.feature.pop(RAW_EXAMPLE, None)
    return bytes(message.SerializeToString(deterministic=True))

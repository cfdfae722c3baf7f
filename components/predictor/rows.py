"""One row of the table of predictions: what a model says about an example."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from limbeck.examples import EXAMPLE_ID, LABEL, TRAIN
from limbeck.models import MODELS, TEACHER
from limbeck.objectives.objective import Objective
from limbeck.settings.labelling import LabellingConfig
from limbeck.trainer.distillation.stored.example import teacher_logits
from limbeck.trainer.distillation.stored.form import form_of

Row = dict[str, Any]
_IN_FULL = LabellingConfig()


def scores(name: str, split: str) -> bool:
    """Returns whether a model scores a split. A compressed file is slow, so it does not score `train`."""
    return name != TEACHER and not (MODELS[name].compressed and split == TRAIN)


def teacher_row(example: bytes, objective: Objective, split: str, labelling: LabellingConfig = _IN_FULL) -> Row:
    """Returns the teachers' row for one example.

    Args:
      example: serialized tf.Example with `example_id`, `label` and soft targets.
      objective: the task's objective. It combines the answers of several teachers.
      split: split of the example.
      labelling: how soft targets are stored.
    """
    import tensorflow as tf

    message = tf.train.Example.FromString(example)
    logits = teacher_logits(message, form_of(labelling, objective))
    return row_of(example, TEACHER, split, objective.ensemble(logits))


def row_of(example: bytes, model: str, split: str, logits: Any) -> Row:
    """Returns a row.

    Args:
      example: serialized tf.Example with `example_id` and `label`.
      model: name of the model.
      split: split of the example.
      logits: float32 `[outputs]`.
    """
    import tensorflow as tf

    features = tf.train.Example.FromString(example).features.feature
    label = features[LABEL]
    values = list(getattr(label, label.WhichOneof("kind")).value)
    return {
        "example_id": features[EXAMPLE_ID].bytes_list.value[0].decode(),
        "split": split,
        "model": model,
        "label": values[0] if len(values) == 1 else values,
        "logits": logits.tolist(),
    }


def rows_of_seeds(example: bytes, name: str, split: str, logits: Sequence[Any]) -> list[Row]:
    """Returns a row for each further seed of a student, with the column `seed`. `logits` has an entry for each seed."""
    return [row_of(example, name, split, one) | {"seed": number} for number, one in enumerate(logits, start=1)]

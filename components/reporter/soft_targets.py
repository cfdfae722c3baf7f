"""Finds the training examples whose soft targets are most informative.

Most soft targets are close to the label, and show a reader nothing. Informative examples are those that the teachers
get right, but find similar to another class.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from limbeck.components.reporter import raw_inputs
from limbeck.components.reporter.model_inputs import as_picture, as_raw_texts, as_texts
from limbeck.components.reporter.scores import scores, softmax
from limbeck.examples import EXAMPLE_ID, TRAIN
from limbeck.models import TEACHER
from limbeck.objectives.objective import Objective
from limbeck.report.findings import SoftTarget
from limbeck.settings.labelling import LabellingConfig
from limbeck.task import Task
from limbeck.trainer.distillation.stored.example import teacher_logits
from limbeck.trainer.distillation.stored.form import StoredForm, form_of

EXAMPLES = 12
EXAMPLES_OF_A_PAIR = 2
_READ_BATCH = 4096


@dataclasses.dataclass(frozen=True)
class RawExamples:
    """Where raw training examples are.

    Attributes:
      files: gzip TFRecord files of serialized raw tf.Examples.
      transform_graph: folder or URI of Transform's graph.
    """

    files: Sequence[str]
    transform_graph: str


@dataclasses.dataclass(frozen=True)
class Choice:
    """A training example: its id, and the index of its class."""

    example_id: str
    label: int


def choose(
    table: pa.Table, objective: Objective, limit: int = EXAMPLES, of_a_pair: int = EXAMPLES_OF_A_PAIR
) -> list[Choice]:
    """Chooses labelled training examples that the ensemble gets right, by the probability of its second class.

    Args:
      table: predictions.
      objective: an objective with classes.
      limit: the largest number of examples.
      of_a_pair: the largest number with the same label and second class, for the sake of variety.

    Returns:
      The highest probability of a second class first. For equal probabilities, the smaller id comes first.
    """
    found = scores(table, TEACHER, TRAIN, objective)
    usable = np.isfinite(found.logits).all(axis=1)
    usable[usable] = np.argmax(found.logits[usable], axis=1) == found.labels[usable]
    labels = found.labels[usable]
    second, probability = _second_classes(labels, found.logits[usable])
    candidates = pa.table(
        {
            "id": found.ids.filter(pa.array(usable)),
            "label": labels,
            "pair": labels * found.logits.shape[1] + second,
            "probability": probability,
        }
    ).sort_by([("probability", "descending"), ("id", "ascending")])
    taken = candidates.take(pa.array(_first_of_each(candidates["pair"].to_numpy(), of_a_pair)[:limit]))
    return [Choice(*row) for row in zip(taken["id"].to_pylist(), taken["label"].to_pylist(), strict=True)]


def _second_classes(
    labels: npt.NDArray[np.int64], logits: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Returns each row's likeliest class other than the label, and its probability; rows are `[examples, classes]`.

    Each row is sorted before it is summed, so that logits in another order give bit-equal probabilities. Between equal
    probabilities, ids decide, and not the rounding of a sum.
    """
    others = logits.copy()
    # Compares logits, because the probabilities of all other classes round to 0 if an ensemble is sure.
    others[np.arange(len(labels)), labels] = -np.inf
    return np.argmax(others, axis=1), softmax(-np.sort(-logits, axis=1))[:, 1]


def _first_of_each(pairs: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """Returns the ascending positions of the first `count` occurrences of each value of int64 `[rows]`."""
    left, taken = np.arange(len(pairs)), []
    for _ in range(count):
        _, first = np.unique(pairs[left], return_index=True)
        taken.append(left[first])
        left = np.delete(left, first)
    return np.sort(np.concatenate(taken))


def read(
    choices: Sequence[Choice],
    files: Sequence[str],
    task: Task,
    raw: RawExamples | None = None,
    labelling: LabellingConfig | None = None,
) -> tuple[SoftTarget, ...]:
    """Reads the chosen examples. Leaves out examples with a logit of a teacher that is not finite.

    Args:
      choices: the chosen examples, in the order of the result.
      files: gzip TFRecord files of serialized transformed tf.Examples with soft targets.
      task: names the classes and features, and says which input is a picture.
      raw: where the raw examples are. If they are missing, or an example is not among them, the model's inputs are
        shown.
      labelling: how soft targets are stored; None: in full.

    Raises:
      TaskError: if the examples do not hold the task's picture.
    """
    form = form_of(labelling or LabellingConfig(), task.objective)
    records = _records({choice.example_id.encode() for choice in choices}, files)
    read_as = _reader(task, raw, [choice.example_id for choice in choices])
    found = [
        _soft_target(choice, records[choice.example_id.encode()], task.objective, form, read_as)
        for choice in choices
        if choice.example_id.encode() in records
    ]
    return tuple(one for one in found if one is not None)


def _reader(task: Task, raw: RawExamples | None, ids: Sequence[str]) -> Callable[[str, Any], dict[str, Any]]:
    """Returns a function of an id and the transformed features. It returns what a soft target shows of its example."""
    if task.picture is not None:
        picture = task.picture
        return lambda _, features: {"picture": as_picture(features, picture)}
    found = {} if raw is None else raw_inputs.find(ids, raw.files, raw.transform_graph)

    def shown(example_id: str, features: Any) -> dict[str, Any]:
        if example_id in found:
            return {"inputs": as_raw_texts(found[example_id], task.features), "raw": True}
        return {"inputs": as_texts(features)}

    return shown


def _records(wanted: set[bytes], files: Sequence[str]) -> dict[bytes, bytes]:
    """Returns serialized examples by id. Reads batch by batch, and stops when all are found."""
    import tensorflow as tf

    spec = {EXAMPLE_ID: tf.io.FixedLenFeature([], tf.string)}
    found: dict[bytes, bytes] = {}
    if not wanted:
        return found
    for batch in tf.data.TFRecordDataset(list(files), compression_type="GZIP").batch(_READ_BATCH):
        ids = tf.io.parse_example(batch, spec)[EXAMPLE_ID]
        here = tf.reduce_any(ids[:, tf.newaxis] == tf.constant(sorted(wanted)), axis=1)
        found |= zip(tf.boolean_mask(ids, here).numpy(), tf.boolean_mask(batch, here).numpy(), strict=True)
        if len(found) == len(wanted):
            break
    return found


def _soft_target(
    choice: Choice,
    record: bytes,
    objective: Objective,
    form: StoredForm,
    read_as: Callable[[str, Any], dict[str, Any]],
) -> SoftTarget | None:
    import tensorflow as tf

    message = tf.train.Example.FromString(record)
    features: Any = message.features.feature
    members = teacher_logits(message, form)
    if not np.isfinite(members).all():
        return None
    return SoftTarget(
        example_id=choice.example_id,
        label=objective.class_names[choice.label],
        teacher_logits=tuple(tuple(row) for row in objective.class_logits(members).tolist()),
        **read_as(choice.example_id, features),
    )

"""MUNGE: makes new, plausible rows of a table, on which the student learns from the teachers.

Bucila, Caruana and Niculescu-Mizil (2006), "Model compression", need more rows than a table has. If values are drawn
column by column, the rows are not plausible, because columns depend on each other. So MUNGE takes a row and its nearest
neighbour. Some values of the row are replaced by those of the neighbour; numbers get noise of the size of their
distance. In dense regions of the table, new rows are close to old ones, and in sparse regions they are farther away.

The paper makes a larger table once. Here each row gets other values in each epoch, drawn from the example's seed. The
paper also changes the neighbour in the same step; here the neighbour changes when it is its own turn as a row.
"""

from __future__ import annotations

from typing import Any

from limbeck.aliases import Features, FeatureSpec, Tensor
from limbeck.errors import TaskError
from limbeck.randomness import mix, normal, uniform
from limbeck.tabular.table import FACTS, NUMBERS
from limbeck.task import Task

# Far from the draws of a task's own augmentation, which count from 0, and from those of mixtures.
_COLUMNS = 2**40 + 2


def munged(given: Features, neighbours: Features, seeds: Tensor, probability: float, width: float) -> Features:
    """Returns rows of which some columns have the values of the neighbour.

    Each column is taken from the neighbour with the probability, independently of the others. A number n of the
    neighbour then becomes n + z * width * (n - own), where z has mean 0 and variance 1. Flags (if both are 0 or 1) and
    integers, which stand for names, get no noise.

    Args:
      given: the model's inputs by name: `[batch]`, `[batch, columns]` or `[batch, columns, facts]`, of any float dtype
        or an integer one. The facts of a column are taken together, with one z.
      neighbours: the inputs of the neighbours.
      seeds: int64 `[batch]`.
      probability: the probability with which each column is replaced, from 0 to 1.
      width: standard deviation of a number, as a share of the distance; the paper's 1 / s.
    """
    import tensorflow as tf

    made, begin = {}, 0
    streams = mix(seeds, _COLUMNS)
    for name in sorted(given):
        own, other = given[name], neighbours[name]
        rank = len(own.shape)
        columns = own.shape[1] if rank > 1 else 1
        drawn = streams[:, tf.newaxis] + tf.range(begin, begin + columns, dtype=tf.int64)
        begin += columns
        shape = [-1, *[columns] * (rank > 1), *[1] * (rank - 2)]
        taken = tf.reshape(uniform(drawn, 0) < probability, shape)
        if own.dtype.is_floating:
            noise = tf.cast(tf.reshape(normal(drawn, 1), shape), own.dtype)
            flags = _flag(own) & _flag(other)
            other = tf.where(flags, other, other + noise * width * (other - own))
        made[name] = tf.where(taken, other, own)
    return made


def _flag(values: Tensor) -> Any:
    return (values == 0) | (values == 1)


def assert_mungeable(spec: FeatureSpec, task: Task) -> None:
    """Raises TaskError if the models take anything but the columns of a table; `spec` is that of their inputs.

    Columns have no order, and each of them has the same meaning in every row. Pixels of a picture and words of a text
    do not.
    """
    import tensorflow as tf

    rule, remedy = (
        "distillation.inputs=munge exchanges the columns of a table",
        "set distillation.inputs=augmented",
    )
    if task.picture is not None:
        raise TaskError(
            f"{rule}, but task '{task.name}' declares a picture: {remedy} with an augment, or mixup, which suit one"
        )
    odd = sorted(name for name, kind in spec.items() if not _of_columns(name, kind))
    if odd:
        raise TaskError(
            f"{rule}, but the models of task '{task.name}' also take {', '.join(odd)}, which are no columns of one "
            f"value each, as in a picture or a sequence: {remedy}, or let preprocessing_fn return dense columns"
        )
    names = sum(kind.shape[0] if kind.shape else 1 for kind in spec.values() if kind.dtype != tf.float32)
    columns = sum(not feature.shape for feature in task.features)
    if names > columns:
        raise TaskError(
            f"{rule}, but the models of task '{task.name}' take {names} integers in each example, of {columns} raw "
            f"columns, so they look like a sequence: {remedy}"
        )


def _of_columns(name: str, kind: Any) -> bool:
    """Returns whether a feature holds columns: dense numbers or integers, one for each, or those of a `Table`."""
    import tensorflow as tf

    if not isinstance(kind, tf.io.FixedLenFeature) or kind.dtype not in (tf.float32, tf.int64):
        return False
    return len(kind.shape) <= 1 or (name == NUMBERS and list(kind.shape[1:]) == [FACTS])

"""`Table`: the columns of a table, and what follows from them for a task."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from limbeck.aliases import KerasModel
from limbeck.errors import TaskError
from limbeck.tabular import categories, network, numbers
from limbeck.tabular.scale import LOGITS, Scale
from limbeck.task import Feature, Hyperparameters

# The input of the models that holds numbers, and how many facts it has of each.
NUMBERS, FACTS = "numbers", 3
# No vocabulary has it, unless rows of the training data have a gap.
_NO_CODE = -(2**63)


@dataclasses.dataclass(frozen=True)
class Table:
    """The columns that a task reads.

    Attributes:
      numbers: columns of numbers, whole or not. A gap counts as a gap, not as 0.
      categories: columns of texts, each with the number of values that get a place of their own: the most frequent
        ones in the training data. All others share one place; a gap is the value "".
      codes: the same for columns of integers that are names and no amounts, in a format that tells integers from
        texts. A gap shares the place of unknown values. In a CSV file they can be `categories` as well.
    """

    numbers: tuple[str, ...] = ()
    categories: Mapping[str, int] = MappingProxyType({})
    codes: Mapping[str, int] = MappingProxyType({})

    def __post_init__(self) -> None:
        columns = self._columns
        if not columns:
            raise TaskError("a Table needs at least one column: name it in numbers, categories or codes")
        if len(set(columns)) < len(columns):
            twice = sorted({name for name in columns if columns.count(name) > 1})
            raise TaskError(f"a Table names each column once, but has these twice: {twice}. Leave one out")
        for name, values in self._vocabularies.items():
            if values < 1:
                raise TaskError(
                    f"column '{name}' needs at least one value with a place of its own, received {values}"
                )

    @property
    def features(self) -> tuple[Feature, ...]:
        """The raw features: numbers with NaN for a gap, texts with "", codes with the least integer."""
        return (
            *(Feature(name, "number", default=math.nan) for name in self.numbers),
            *(Feature(name, "text", default="") for name in self.categories),
            *(Feature(name, "integer", default=_NO_CODE) for name in self.codes),
        )

    def preprocess(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Makes the inputs of the models. Transform calls it, because it uses analyzers.

        Args:
          inputs: the dense raw features `[batch]`, by name.

        Returns:
          `numbers` float32 `[batch, numbers, 3]`, as `limbeck.tabular.numbers.describe` makes them, and `categories`
          int64 `[batch, categories + codes]`: the place of each value, counted from 0; the last place of a column is
          that of all other values. A table without columns of a kind has no such input.
        """
        import tensorflow as tf

        made = {}
        if self.numbers:
            made[NUMBERS] = numbers.describe(tf.stack([inputs[name] for name in self.numbers], axis=1))
        if self._vocabularies:
            places = [categories.place(inputs[name], values) for name, values in self._vocabularies.items()]
            made["categories"] = tf.stack(places, axis=1)
        return made

    def teacher(
        self, outputs: int, hyperparameters: Hyperparameters = MappingProxyType({}), answers: Scale = LOGITS
    ) -> KerasModel:
        """Builds a wide network, uncompiled.

        Args:
          outputs: length of the last axis, such as the number of classes.
          hyperparameters: fields of `limbeck.tabular.network.Size` that shall differ from `network.TEACHER`.
          answers: scale of the output. Logits need none. For numbers, give their mean and standard deviation, so that
            the training does not begin with a long way to them.

        Raises:
          TaskError: for a hyperparameter that there is not, or a value that a network cannot have.
        """
        return self._model(outputs, hyperparameters, answers, network.TEACHER)

    def student(
        self, outputs: int, hyperparameters: Hyperparameters = MappingProxyType({}), answers: Scale = LOGITS
    ) -> KerasModel:
        """Builds the same kind of network as `teacher`, of the size `network.STUDENT`."""
        return self._model(outputs, hyperparameters, answers, network.STUDENT)

    def _model(
        self, outputs: int, hyperparameters: Hyperparameters, answers: Scale, defaults: network.Size
    ) -> KerasModel:
        size = network.Size.of(defaults, hyperparameters)
        return network.build(len(self.numbers), tuple(self._vocabularies.values()), outputs, size, answers)

    @property
    def _vocabularies(self) -> dict[str, int]:
        return {**self.categories, **self.codes}

    @property
    def _columns(self) -> tuple[str, ...]:
        return (*self.numbers, *self.categories, *self.codes)

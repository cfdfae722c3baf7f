"""`compression.recipe=auto`: makes files with several recipes, judges each on the validation split, and takes one.

The quality of a file can only be measured with the file itself, because the converter may keep an operator in floating
point, or leave small weights unchanged. So each file is called as a user calls it, example by example and on one
thread. The test split is not used here; the gate judges the chosen file on it.
"""

from __future__ import annotations

import dataclasses
import logging
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from limbeck import events
from limbeck.compression_record import RecipeSearch, TriedRecipe
from limbeck.counted import counted
from limbeck.errors import ConfigError, DataError, DivergedError, TaskError
from limbeck.objectives.objective import Objective
from limbeck.settings.compression import CompressionConfig
from limbeck.trainer.compression import inspection, selection, tuning
from limbeck.trainer.compression.making import Made, Maker, student_of
from limbeck.trainer.compression.recipes import RECIPES
from limbeck.trainer.data.packed import shared
from limbeck.trainer.data.tensors import arrays_of, features_of
from limbeck.trainer.fitting.evaluation import Split, labels_of, predict
from limbeck.trainer.fitting.progress import Fitted
from limbeck.trainer.search.choice import standard_error
from limbeck.trainer.serving.compressed import CompressedFile
from limbeck.trainer.serving.export import tensor_name
from limbeck.trainer.session import inputs

_log = logging.getLogger(__name__)
# Limits the examples for each file, because files answer one example after the other.
_MOST_EXAMPLES = 10_000
# With fewer differences, their standard error means nothing.
_FEWEST_EXAMPLES = 10
_WARM_UP_CALLS, _CALLS = 30, 200


@dataclasses.dataclass(frozen=True)
class Found:
    """The file that was taken, and what was tried."""

    made: Made
    record: RecipeSearch


def search(maker: Maker, student_steps: int) -> Found:
    """Tries recipes within the budget, and takes the best file that keeps the limits.

    A check of a few steps tries only the recipes without training, and checks only the size.

    Args:
      maker: makes files of the student.
      student_steps: optimizer steps of the student.

    Raises:
      DataError: if fewer than 10 validation examples have a label.
      ConfigError: if no file keeps the limits.
      TaskError: if no recipe can compress the student.
      PreemptedError: if the process was asked to end.
    """
    session, config = maker.session, _config(maker)
    judge = _Judge.of(maker)
    trainings = {name: len(recipe.techniques) for name, recipe in RECIPES.items()}
    steps = tuning.steps_of(session)
    names, left_out = selection.affordable(config, trainings, steps, student_steps)
    if not names:
        raise ConfigError(
            f"compression.budget={config.budget:g} suffices for none of compression.candidates="
            f"{list(config.candidates)}, because each trains the student further: add int8, or set a larger budget"
        )
    trained = [trainings[name] * steps for name in names]
    events.note(_beginning(trained, left_out, student_steps, judge.examples), _log.info)
    tried, files = [], []
    for name in names:
        one, made = _try(dataclasses.replace(maker, session=dataclasses.replace(session, trial=name)), name, judge)
        tried.append(one)
        files.append(made)
    if not any(files):
        raise TaskError("\n".join([f"{session.who} cannot be compressed:", selection.refusal(tried)]))
    latencies = _latencies([None if one is None else one.content for one in files], judge.features)
    tried = [dataclasses.replace(one, latency_ms=each) for one, each in zip(tried, latencies, strict=True)]
    tried = [one if one.file is None else _limited(one, config) for one in tried]
    front, taken = selection.front(tried, config), selection.choose(tried, config)
    if taken is None:
        raise ConfigError(
            "no file of compression.recipe=auto keeps the limits: set other ones (compression.max_bytes, "
            "max_latency_ms, tolerance), a larger compression.budget, or build a smaller student. What was tried:\n"
            + selection.refusal(tried)
        )
    tried = [
        dataclasses.replace(one, front=front[number], chosen=number == taken) for number, one in enumerate(tried)
    ]
    record = RecipeSearch(judge.examples, judge.value, config.size, config.prefer, tuple(left_out), tuple(tried))
    events.note(f"compression.recipe=auto took {tried[taken].recipe}", _log.info)
    made = files[taken]
    if made is None:
        raise AssertionError("a file that is taken was made")
    return Found(made, record)


def _config(maker: Maker) -> CompressionConfig:
    if maker.session.job.most_steps is None:
        return maker.config
    # After a few steps, a student has no quality that a file could lose.
    return dataclasses.replace(maker.config, budget=0.0, tolerance=selection.ANY_QUALITY, max_latency_ms=None)


@dataclasses.dataclass(frozen=True)
class _Judge:
    """Judges files on the labelled validation examples, against the student itself."""

    objective: Objective
    features: Sequence[Mapping[str, npt.NDArray[Any]]]
    labels: npt.NDArray[Any]
    value: float
    influence: npt.NDArray[np.float64]

    @property
    def examples(self) -> int:
        return len(self.features)

    @classmethod
    def of(cls, maker: Maker) -> _Judge:
        session = maker.session
        if session.job.validation_uri is None:
            raise DataError(_NO_VALIDATION)
        split = inputs.validation_split(session, session.job.validation_uri)
        labels = labels_of(split)
        rows = np.flatnonzero(np.asarray(split.objective.labelled(labels)))[:_MOST_EXAMPLES]
        # A check reads few rows.
        if len(rows) < (_FEWEST_EXAMPLES if session.job.most_steps is None else 1):
            raise DataError(f"only {len(rows)} validation examples have a label. {_NO_VALIDATION}")
        labels = labels[rows]
        student = student_of(session, maker.student_uri)
        outputs = predict(session.strategy, student, split)[rows].astype(np.float64)
        statistic = split.objective.statistic
        return cls(
            split.objective,
            _features(split, rows, maker.names),
            labels,
            statistic.value(outputs, labels),
            np.asarray(statistic.influence(outputs, labels), np.float64),
        )

    def judged(self, one: TriedRecipe, content: bytes) -> TriedRecipe:
        """Returns the recipe with the figures of its file."""
        file = CompressedFile(content)
        outputs = np.concatenate([file.answer(example) for example in self.features]).astype(np.float64)
        statistic = self.objective.statistic
        value = statistic.value(outputs, self.labels)
        moved = np.asarray(statistic.influence(outputs, self.labels), np.float64) - self.influence
        return dataclasses.replace(
            one,
            file=inspection.size_of(content),
            value=_defined(value),
            difference=_defined(value - self.value),
            standard_error=_defined(standard_error(moved)),
        )


_NO_VALIDATION = (
    f"compression.recipe=auto judges files on the validation split, and needs {_FEWEST_EXAMPLES} labelled examples "
    "there: give the validation split labels, or name a recipe"
)


def _features(split: Split, rows: npt.NDArray[np.int64], names: frozenset[str]) -> list[dict[str, Any]]:
    """Returns the inputs of a file for each of these rows of a split, `[1, ...]`, by their names in the file."""
    import tensorflow as tf

    packed = shared(split.folder)
    spec = {name: one for name, one in split.inputs.items() if name in names}
    arrays = [tf.constant(one) for one in arrays_of(packed.layout, packed.read(rows))]
    found = features_of(packed.layout, spec, arrays, tf.constant([len(rows)]))
    columns = {tensor_name(name): values.numpy() for name, values in found.items()}
    return [{name: values[row : row + 1] for name, values in columns.items()} for row in range(len(rows))]


def _try(maker: Maker, name: Any, judge: _Judge) -> tuple[TriedRecipe, Made | None]:
    begin = time.monotonic()
    try:
        made = maker.make(name)
    except (TaskError, DivergedError) as error:
        return TriedRecipe(name, 0, time.monotonic() - begin, failure=str(error)), None
    one = TriedRecipe(name, _steps(made.fitted), time.monotonic() - begin)
    return judge.judged(one, made.content), made


def _steps(fitted: Sequence[Fitted]) -> int:
    return sum(one.steps for one in fitted)


def _limited(one: TriedRecipe, config: CompressionConfig) -> TriedRecipe:
    return dataclasses.replace(one, misses=selection.misses(one, config))


def _latencies(
    contents: Sequence[bytes | None], examples: Sequence[Mapping[str, npt.NDArray[Any]]]
) -> list[float | None]:
    """Returns the median milliseconds of a call of each file. Calls alternate, so a slow moment affects all files."""
    loaded = {number: CompressedFile(content) for number, content in enumerate(contents) if content is not None}
    seconds: dict[int, list[float]] = {number: [] for number in loaded}
    for call in range(_WARM_UP_CALLS + _CALLS):
        for number, file in loaded.items():
            begin = time.perf_counter()
            file.answer(examples[call % len(examples)])
            seconds[number].append(time.perf_counter() - begin)
    return [
        round(1000 * float(np.median(seconds[number][_WARM_UP_CALLS:])), 5) if number in loaded else None
        for number in range(len(contents))
    ]


def _beginning(steps: Sequence[int], left_out: Sequence[str], student_steps: int, examples: int) -> str:
    training = [one for one in steps if one]
    told = f"compression.recipe=auto tries {len(steps)} recipes on {examples:,} labelled validation examples"
    if training:
        told += (
            f": {len(training)} of them train the student further, in {counted(sum(training), 'step')}, "
            f"{sum(training) / student_steps:.2g} times those of the student"
        )
    if left_out:
        told += f". compression.budget does not suffice for {', '.join(left_out)}"
    return told


def _defined(figure: float) -> float | None:
    return figure if math.isfinite(figure) else None

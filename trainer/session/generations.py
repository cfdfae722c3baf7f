"""Trains a sequence of students; each student after the first has the previous student as its only teacher.

Furlanello et al. (2018), "Born-again neural networks" (arXiv:1805.04770): a student of the same network, taught by its
predecessor and by labels, is often better than its predecessor. The obvious way is a node of the graph for each
generation, with the soft targets of each on disk. But a student is small, so its answers cost little at a step. Here
one job trains all generations. A predecessor answers at each step, so inputs may be augmented.

The first generation equals the student of a run without generations, to the bit. As in the paper, the others start from
other weights. With the same weights and the same order of examples, a student would mostly repeat its predecessor. A
job that was killed reads finished generations from their last checkpoints.
"""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from limbeck import events, files
from limbeck.aliases import KerasModel
from limbeck.trainer.distillation import generation_record
from limbeck.trainer.distillation.generation_record import Generation
from limbeck.trainer.fitting.evaluation import Split, labels_of, predict
from limbeck.trainer.fitting.progress import Fitted
from limbeck.trainer.search import choice
from limbeck.trainer.session import inputs, member
from limbeck.trainer.session.member import Weights
from limbeck.trainer.session.session import Session
from limbeck.trainer.session.trials import Found

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Descent:
    """The generations of one member.

    Attributes:
      weights: weights of the last generation.
      fitted: what this process did for each generation, in their order.
      told: figures of each generation.
    """

    weights: Weights
    fitted: tuple[Fitted, ...]
    told: tuple[Generation, ...]


def count(session: Session) -> int:
    """Returns how many generations the job has. Labels alone need no predecessor."""
    distillation = session.job.distillation
    return 1 if distillation is None or not distillation.reads_teachers else distillation.generations


def train(
    session: Session,
    number: int,
    found: Found | None = None,
    then: Callable[[KerasModel], None] | None = None,
) -> Descent:
    """Trains all generations of a member. Every process of the job must call it.

    Args:
      session: the session of this process, with the loss of all generations.
      number: number of the member, from 0.
      found: the result of the search that has trained the first generation; None: it is trained here.
      then: called with a trained model that has no generations, as `member.train` does.

    Raises:
      TaskError: as in `member.train`, which raises other errors, too.
    """
    generations = count(session)
    if generations == 1:
        weights, fitted = found.student if found else member.train(session, number, then)
        return Descent(weights, (fitted,), ())
    figures = _Figures(session)
    weights, fitted = found.student if found else member.train(session, number, figures.take)
    done, told = [fitted], [_as_searched(found) if found else figures.of(1, fitted)]
    for generation in range(2, generations + 1):
        weights, fitted = member.train(_heir(session, generation, generations, weights), number, figures.take)
        done.append(fitted)
        told.append(figures.of(generation, fitted))
    return Descent(weights, tuple(done), tuple(told))


def tell(session: Session, told: tuple[Generation, ...]) -> None:
    """Writes the figures of the first member's generations beside its history, and prints them on the terminal."""
    generation_record.write(told, session.job.record_uri)
    measure = session.task.objective.measure
    values = ", ".join("unknown" if one.value is None else measure.text(one.value) for one in told)
    events.note(f"{measure.name} of {len(told)} generations on the validation split: {values}", _log.info)


def seed_of(seed: int, generation: int) -> int:
    """Returns the seed of a generation, below 2^31: the given seed for the first one, another seed for each other."""
    if generation == 1:
        return seed
    return int(np.random.SeedSequence([seed, generation]).generate_state(1)[0] >> 1)


def _heir(session: Session, generation: int, generations: int, weights: Weights) -> Session:
    """Returns the session of a generation that learns from these weights."""
    job, place = session.job, f"generation-{generation}"
    heir = dataclasses.replace(
        job,
        training=dataclasses.replace(job.training, seed=seed_of(job.training.seed, generation)),
        record_uri=files.join(job.record_uri, "generations", place),
        checkpoint_uri=None if job.checkpoint_uri is None else files.join(job.checkpoint_uri, place),
    )
    trial = f"generation {generation}/{generations}"
    return dataclasses.replace(session, job=heir, predecessor=tuple(weights), trial=trial)


def _as_searched(found: Found) -> Generation:
    """Returns the figures of a first generation that a search has trained and judged."""
    trial = next(one for one in found.record.trials if one.chosen)
    return Generation(1, trial.steps, trial.seconds, trial.value, trial.loss)


class _Figures:
    """Judges generations on the validation split. Figures are unknown if there is no split, or if it has no label."""

    def __init__(self, session: Session) -> None:
        uri = session.job.validation_uri
        self._split: Split | None = None if uri is None else inputs.validation_split(session, uri)
        self._objective = session.task.objective
        self._outputs: Any = None

    @property
    def take(self) -> Callable[[KerasModel], None]:
        """Takes the answers of a trained model."""

        def answer(model: KerasModel) -> None:
            if self._split is not None:
                self._outputs = predict(model.distribute_strategy, model, self._split)

        return answer

    def of(self, generation: int, fitted: Fitted) -> Generation:
        """Returns the figures of a generation, from the answers that were taken last."""
        figures = (None, None) if self._split is None or self._outputs is None else self._judged(self._split)
        self._outputs = None
        return Generation(generation, fitted.steps, fitted.seconds, *figures)

    def _judged(self, split: Split) -> tuple[float | None, float | None]:
        labels = labels_of(split)
        known = np.asarray(self._objective.labelled(labels))
        judged = choice.judge(self._objective, self._outputs[known], labels[known]) if known.any() else None
        if judged is None:
            return None, None
        return (judged.value if math.isfinite(judged.value) else None), judged.plain_loss

"""Searches for the student's loss: trains students with several losses, and chooses one on the validation split.

Trials in separate processes would each start TensorFlow, and their students would differ from the student of the run:
another strategy, other checkpoints. Here a trial is a training within the job itself, with its own loss and maybe its
own length. So the chosen trial is the student, and is not trained again. A job that was killed repeats the same trials:
finished trials are read from their last checkpoints, and judged again.
"""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Sequence

import numpy as np

from limbeck import events, files
from limbeck.aliases import KerasModel
from limbeck.errors import DivergedError
from limbeck.settings.distillation import DistillationConfig
from limbeck.trainer.fitting.evaluation import Split, labels_of, predict
from limbeck.trainer.fitting.progress import Fitted
from limbeck.trainer.search import choice, words
from limbeck.trainer.search.candidates import candidates, is_reference, usual_loss
from limbeck.trainer.search.choice import Judged
from limbeck.trainer.search.plan import Plan, plan
from limbeck.trainer.search.record import Length, SearchRecord, SearchTrial
from limbeck.trainer.session import inputs, member, observation
from limbeck.trainer.session.member import Weights
from limbeck.trainer.session.session import Session

_log = logging.getLogger(__name__)
# With fewer differences, their standard error means nothing.
_FEWEST_LABELS = 10


@dataclasses.dataclass(frozen=True)
class Found:
    """The result of a search.

    Attributes:
      student: the weights of the student that was taken, and what this process did for it, as `member.train` returns
        them.
      record: what was tried.
    """

    student: tuple[Weights, Fitted]
    record: SearchRecord


@dataclasses.dataclass(frozen=True)
class _Tried:
    """One trial, of the candidate with this number. `judged` and `student` are None if its training broke down."""

    candidate: int
    record: SearchTrial
    judged: Judged | None = None
    student: tuple[Weights, Fitted] | None = None


@dataclasses.dataclass
class _Trials:
    """Runs the trials of a job, one after the other."""

    session: Session
    losses: Sequence[DistillationConfig]
    planned: Plan
    split: Split
    made: int = 0

    def __post_init__(self) -> None:
        self._labels = labels_of(self.split)
        self._known = np.asarray(self.split.objective.labelled(self._labels))

    @property
    def examples(self) -> int:
        """Number of labelled validation examples."""
        return int(self._known.sum())

    def make(self, candidate: int, length: Length) -> _Tried:
        """Trains a student on the loss of a candidate, and judges it. Only a student of full length is kept."""
        self.made += 1
        session, loss = self._session(candidate, length), self.losses[candidate]
        outputs = []

        def answer(model: KerasModel) -> None:
            outputs.append(predict(model.distribute_strategy, model, self.split)[self._known])

        try:
            weights, fitted = member.train(session, 0, answer)
            judged = choice.judge(self.split.objective, outputs[0], self._labels[self._known])
            if judged is None:
                raise DivergedError(
                    "an output of the student on the validation split is not finite, though its training went well: "
                    "look for what Task.build_student does otherwise when it does not train"
                )
        except DivergedError as error:
            _log.warning("%s broke down: %s", session.trial, error)
            return _Tried(candidate, SearchTrial(loss, length, 0, 0.0, failure=str(error)))
        record = SearchTrial(loss, length, fitted.steps, fitted.seconds, _defined(judged.value), judged.plain_loss)
        return _Tried(candidate, record, judged, (weights, fitted) if length == "full" else None)

    def _session(self, candidate: int, length: Length) -> Session:
        job, number = self.session.job, f"trial-{self.made}"
        epochs = self.planned.epochs if length == "short" else job.training.epochs
        tried = dataclasses.replace(
            job,
            distillation=self.losses[candidate],
            search=None,
            training=dataclasses.replace(job.training, epochs=epochs),
            record_uri=files.join(job.record_uri, "trials", number),
            checkpoint_uri=None if job.checkpoint_uri is None else files.join(job.checkpoint_uri, number),
        )
        return dataclasses.replace(self.session, job=tried, trial=f"trial {self.made}/{self.planned.trials}")


def search(session: Session) -> Found | None:
    """Runs the trials of the job, and chooses a student. Every process of the job must call it.

    Returns:
      None if the job has no search, if there is nothing to choose, or if too few validation examples have a label. The
      student then gets the usual values.

    Raises:
      DivergedError: if all trainings of full length broke down.
      TrainingFailedError: if a checkpoint cannot be written.
      TaskError: as `member.train` does.
      PreemptedError: as `member.train` does. The interrupted trial has saved a checkpoint.
    """
    job, objective = session.job, session.task.objective
    if job.search is None or job.distillation is None or job.validation_uri is None:
        return None
    tempered = objective.wording.tempered
    losses = candidates(job.distillation, job.search, tempered=tempered)
    if len(losses) == 1:
        return None
    planned = plan(len(losses), job.search.budget, inputs.order_of(session, 0))
    trials = _Trials(session, losses, planned, inputs.validation_split(session, job.validation_uri))
    if trials.examples < _FEWEST_LABELS:
        _tell(
            session,
            words.too_few(trials.examples, _FEWEST_LABELS, usual_loss(job.distillation, tempered=tempered)),
        )
        return None
    _tell(session, words.beginning(planned, losses, job.distillation, trials.examples))
    short = [trials.make(number, "short") for number in planned.screened]
    best = [short[place].candidate for place in choice.best([one.judged for one in short], planned.places)]
    full = [trials.make(number, "full") for number in (*planned.finalists, *best)]
    taken, told = _final(full, losses, others=len({*planned.screened, *planned.finalists}) - 1)
    record = SearchRecord(
        budget=job.search.budget,
        planned_steps=planned.steps,
        examples=trials.examples,
        chosen=losses[taken.candidate],
        trials=(*(one.record for one in short), *told),
    )
    _tell(session, words.ending(record, objective.measure))
    if taken.student is None:
        raise AssertionError("a student of full length is kept")
    # Writes the curve of the student to the folder where TensorBoard expects it.
    with observation.observed(session, 0, taken.student[1]):
        return Found(taken.student, record)


def settled(session: Session, found: Found | None) -> Session:
    """Returns the session for the remaining trainings, with the loss that the search has chosen."""
    if found is None:
        return session
    job = dataclasses.replace(session.job, distillation=found.record.chosen, search=None)
    return dataclasses.replace(session, job=job)


def _final(
    full: Sequence[_Tried], losses: Sequence[DistillationConfig], others: int
) -> tuple[_Tried, list[SearchTrial]]:
    """Returns the trial to take, and the records of all trials, in order.

    Args:
      full: the trials of full length.
      losses: the candidates.
      others: how many candidates were tried besides labels alone, including short trials.

    Raises:
      DivergedError: if all of them broke down.
    """
    reference = next((place for place, one in enumerate(full) if is_reference(losses[one.candidate])), None)
    place = choice.choose([one.judged for one in full], reference, others)
    if place is None:
        raise DivergedError(str(full[0].record.failure))
    base = None if reference is None else full[reference].judged
    records = []
    for number, one in enumerate(full):
        ahead = None if one.judged is None or base is None else choice.advantage(one.judged, base)
        records.append(
            dataclasses.replace(
                one.record,
                chosen=number == place,
                difference=None if ahead is None else _defined(ahead.measure),
                standard_error=None if ahead is None else _defined(ahead.measure_error),
                p_value=None if ahead is None else ahead.corrected(others),
            )
        )
    return full[place], records


def _defined(figure: float) -> float | None:
    return figure if math.isfinite(figure) else None


def _tell(session: Session, text: str) -> None:
    if session.me.is_chief:
        events.note(text, _log.info)

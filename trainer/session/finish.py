"""Writes the outputs of a job after its members are trained: the SavedModel, the history, and a record of each process.

If the chief saved a distributed model, it would wait for peers that do not save. So it copies the weights into models
that it builds outside of the strategy, and exports these. A teacher in stages may be larger than the memory of the
chief: its weights go through files, a few at a time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator, Sequence

from limbeck import events, files, task_code, temporary
from limbeck.aliases import KerasModel
from limbeck.rank_record import DeviceSeconds, RankRecord, Traffic
from limbeck.records import to_json
from limbeck.trainer.fitting.progress import Fitted
from limbeck.trainer.job import FURTHER_MODELS
from limbeck.trainer.serving.weight_files import WeightFiles
from limbeck.trainer.session import contract
from limbeck.trainer.session.member import Weights
from limbeck.trainer.session.models import build_model
from limbeck.trainer.session.session import Session
from limbeck.trainer.session.sketches import sketch_of


def plain_copy(session: Session, weights: Weights) -> KerasModel:
    """Builds the model of the job outside of any strategy, and sets these weights.

    Args:
      session: the session of this process.
      weights: the arrays of `model.get_weights()`, in its order.

    Raises:
      TaskError: if the task builds another model each time.
    """
    copy = build_model(session)
    with task_code.guarded(f"{session.who} must be the same model each time that it is built"):
        copy.set_weights(weights)
    return copy


@contextlib.contextmanager
def weight_files(session: Session) -> Iterator[WeightFiles | None]:
    """Returns a context with the `WeightFiles` for teachers in stages; None for any other job."""
    if not session.job.pipelining.is_on:
        yield None
        return
    with temporary.folder() as folder:
        yield WeightFiles(folder)


def sketched_copy(session: Session, trained: KerasModel, weights: WeightFiles) -> KerasModel:
    """Builds the model of the job without memory for weights, and writes the weights of a trained one into files.

    Args:
      session: the session of this process.
      trained: the model of the next member, with its variables on any devices.
      weights: takes the weights. They belong to the SavedModel that will be made of the copies.

    Raises:
      TaskError: if the task builds another model each time.
    """
    copy = sketch_of(session)
    contract.assert_same_weights(trained, copy.model, session.who)
    copy.fill_the_rest()
    weights.add(copy.model, trained)
    return copy.model


def export(
    session: Session, models: Sequence[KerasModel], fitted: Sequence[Fitted], weights: WeightFiles | None = None
) -> None:
    """Writes the SavedModel of all members and `history.json`. Removes whatever was at `model_uri` before.

    If members are separate, the first becomes the SavedModel, and the others become one SavedModel beside
    `history.json`.

    Args:
      session: the session of the chief.
      models: plain copies of the members, or sketched ones.
      fitted: what this process did for each member, in the same order.
      weights: the weights of the sketched copies.
    """
    from limbeck.trainer.serving import export as serving

    job = session.job
    events.emit("phase", what="exporting the model")
    # A killed export leaves files that the next export would not overwrite, and that would be served.
    files.remove_folder(job.model_uri)
    served = models[:1] if job.separate else models
    with files.written_locally(job.model_uri) as folder:
        serving.save(served, session.task, session.transform, folder)
        if weights is not None:
            weights.merge_into(folder)
    if further := models[len(served) :]:
        place = files.join(job.record_uri, FURTHER_MODELS)
        files.remove_folder(place)
        with files.written_locally(place) as folder:
            serving.save(further, session.task, session.transform, folder)
    history = {
        "parameters": serving.count_parameters(served),
        "members": [[dataclasses.asdict(point) for point in one.curve] for one in fitted],
    }
    files.write_text(files.join(job.record_uri, "history.json"), json.dumps(history))


def write_record(session: Session, fitted: Sequence[Fitted], traffic: Traffic) -> None:
    """Writes `rank-<r>.json`: steps, examples and seconds of this process, summed over all members and generations.

    Args:
      session: the session of this process.
      fitted: what this process did for each of them.
      traffic: the bytes that this process moved.
    """
    job, me = session.job, session.me
    device = sum((one.device for one in fitted), DeviceSeconds())
    record = RankRecord(
        role=me.role,
        rank=me.rank,
        steps=sum(one.steps for one in fitted),
        examples=sum(one.examples for one in fitted),
        seconds=sum(one.seconds for one in fitted),
        device=device if device.computing else None,
        traffic=traffic,
    )
    files.write_text(files.join(job.record_uri, f"rank-{me.rank}.json"), to_json(record))

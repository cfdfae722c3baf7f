"""Writes what a job leaves when its members are trained: the SavedModel, the history, and a record of each process.

If the chief saved a distributed model, it would wait for peers that do not save. So it copies the weights into models
that it builds outside of the strategy, and exports these.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from limbeck import events, files, task_code
from limbeck.aliases import KerasModel
from limbeck.rank_record import DeviceSeconds, RankRecord
from limbeck.records import to_json
from limbeck.trainer.fitting.progress import Fitted
from limbeck.trainer.job import FURTHER_MODELS
from limbeck.trainer.session.member import Weights
from limbeck.trainer.session.models import build_model
from limbeck.trainer.session.session import Session


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


def export(session: Session, models: Sequence[KerasModel], fitted: Sequence[Fitted]) -> None:
    """Writes the SavedModel of all members and `history.json`. Removes whatever was at `model_uri` before.

    If members are separate, the first is the SavedModel, and the others are one beside `history.json`.

    Args:
      session: the session of the chief.
      models: plain copies of the members.
      fitted: what this process did for each member, in the same order.
    """
    from limbeck.trainer.serving import export as serving

    job = session.job
    events.emit("phase", what="exporting the model")
    # A killed export leaves files that the next export would not overwrite, and that would be served.
    files.remove_folder(job.model_uri)
    served = models[:1] if job.separate else models
    with files.written_locally(job.model_uri) as folder:
        serving.save(served, session.task, session.transform, folder)
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


def write_record(session: Session, fitted: Sequence[Fitted]) -> None:
    """Writes `rank-<r>.json`: steps, examples and seconds of this process, summed over all members and generations."""
    job, me = session.job, session.me
    device = sum((one.device for one in fitted), DeviceSeconds())
    record = RankRecord(
        role=me.role,
        rank=me.rank,
        steps=sum(one.steps for one in fitted),
        examples=sum(one.examples for one in fitted),
        seconds=sum(one.seconds for one in fitted),
        device=device if device.computing else None,
    )
    files.write_text(files.join(job.record_uri, f"rank-{me.rank}.json"), to_json(record))

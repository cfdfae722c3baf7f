"""What a job leaves when its members are trained: the SavedModel, the history of the chief, a record of each process.

The chief exports copies that it builds outside of the strategy, because to save a distributed model makes the chief
wait for peers that do not save.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from limbeck import events, files
from limbeck.aliases import KerasModel
from limbeck.rank_record import RankRecord
from limbeck.records import to_json
from trainer.fitting.progress import Fitted
from trainer.session.member import Weights
from trainer.session.models import build_model
from trainer.session.session import Session


def plain_copy(session: Session, weights: Weights) -> KerasModel:
    """Builds the model of the job outside of any strategy, with these weights."""
    copy = build_model(session)
    copy.set_weights(weights)
    return copy


def export(session: Session, models: Sequence[KerasModel], fitted: Sequence[Fitted]) -> None:
    """Writes the SavedModel of all members, and `history.json`; what was at `model_uri` before goes.

    Args:
      session: that of the chief.
      models: plain copies of the members.
      fitted: what was done for each of them.
    """
    from trainer.serving import export as serving

    job = session.job
    events.emit("phase", what="exporting the model")
    # An export that was killed leaves files which no other would overwrite, and which would be served.
    files.remove_folder(job.model_uri)
    with files.written_locally(job.model_uri) as folder:
        serving.save(models, session.task, session.transform, folder)
    history = {
        "parameters": serving.count_parameters(models),
        "members": [[dataclasses.asdict(point) for point in one.curve] for one in fitted],
    }
    files.write_text(files.join(job.record_uri, "history.json"), json.dumps(history))


def write_record(session: Session, fitted: Sequence[Fitted]) -> None:
    """Writes `rank-<r>.json`: what this process did for all members together."""
    job, me = session.job, session.me
    record = RankRecord(
        role=me.role,
        rank=me.rank,
        steps=sum(one.steps for one in fitted),
        examples=sum(one.examples for one in fitted),
        seconds=sum(one.seconds for one in fitted),
    )
    files.write_text(files.join(job.record_uri, f"rank-{me.rank}.json"), to_json(record))

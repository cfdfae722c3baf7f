"""Runs a training job in one of its processes: joins the other processes, trains each member, exports and leaves.

Every process of a job must run the same steps. Otherwise other processes wait for it in vain. So the order is defined
here, and only the export asks whether this process is the chief. `limbeck.trainer.session` holds the parts.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
from collections.abc import Callable

from limbeck import files
from limbeck.aliases import KerasModel
from limbeck.trainer.asynchronous import serving
from limbeck.trainer.data import damage
from limbeck.trainer.distribution import (
    cluster,
    farewell,
    rendezvous,
    stage_processes,
    stage_signs,
    strategies,
)
from limbeck.trainer.job import TrainingJob
from limbeck.trainer.pipelining import devices
from limbeck.trainer.process import heartbeat, preemption, traffic
from limbeck.trainer.recovery.job_digest import job_digest
from limbeck.trainer.search import record
from limbeck.trainer.serving.weight_files import WeightFiles
from limbeck.trainer.session import finish, generations, inputs, preflight, trials
from limbeck.trainer.session.session import Session

# The module is named and not imported, so that an edit of a technique does not train anything again.
_FEASIBILITY = "limbeck.trainer.compression.feasibility"


def run(job: TrainingJob) -> None:
    """Runs `job` in this process, as the role that TF_CONFIG names.

    Raises:
      TaskError: if the task's model breaks a rule of `limbeck.trainer.session.contract`, or if the student cannot be
        compressed as planned.
      UserError: if the processes of the job do not run the same code, packages and data.
      DamagedDataError: if packed examples on this machine are not the ones that were packed.
      TrainingFailedError: if training breaks down, or a checkpoint cannot be written.
      PreemptedError: if a process of the job was asked to end. The job has saved a checkpoint.
    """
    if serving.serve_if_asked(job) or stage_processes.serve_if_asked(job):
        return
    in_processes = job.pipelining.processes > 1
    with stage_signs.releasing(job.record_uri) if in_processes else contextlib.nullcontext():
        _run(job)


def _run(job: TrainingJob) -> None:
    meter = traffic.Meter()
    session = join_job(job)
    with damage.told():
        preflight.check(session, inputs.order_of(session, 0))
        _try_compression(session)
        found = trials.search(session)
        # All members use the loss that the search of the first member has found.
        chosen = trials.settled(session, found)
    descents = _train_members(chosen, found)
    if session.me.is_chief:
        if found:
            record.write(found.record, job.record_uri)
        if descents[0].told:
            generations.tell(session, descents[0].told)
    finish.write_record(session, [fitted for one in descents for fitted in one.fitted], meter.read())
    strategies.leave(job.strategy)
    farewell.leave_together(session.me)


def _train_members(session: Session, found: trials.Found | None) -> list[generations.Descent]:
    """Trains all members, and exports them on the chief."""
    models: list[KerasModel] = []
    descents: list[generations.Descent] = []
    with finish.weight_files(session) as weights:
        keep = _keeping(session, models, weights)
        for number in range(session.job.members):
            with damage.told():
                descents.append(generations.train(session, number, found if number == 0 else None, keep))
            if keep is not None:
                # Collects garbage, because Keras' objects refer to each other, and the next member needs their memory.
                gc.collect()
            elif session.me.is_chief:
                models.append(finish.plain_copy(session, descents[-1].weights))
        if session.me.is_chief:
            finish.export(session, models, [one.fitted[-1] for one in descents], weights)
    return descents


def _keeping(
    session: Session, models: list[KerasModel], weights: WeightFiles | None
) -> Callable[[KerasModel], None] | None:
    """Returns a function that adds a copy of a trained model to `models`, if weights go into files."""
    if weights is None:
        return None
    return lambda model: models.append(finish.sketched_copy(session, model, weights))


def _try_compression(session: Session) -> None:
    """Tests on the chief whether the student can be compressed, if the job plans it."""
    if session.me.is_chief and session.job.planned_compression is not None:
        importlib.import_module(_FEASIBILITY).check(session)


def join_job(job: TrainingJob) -> Session:
    """Joins the other processes of the job, checks that all will run the same, and loads the task.

    Raises:
      ConfigError: if TF_CONFIG is wrong, or this machine lacks a device that the strategy needs.
      TaskError: if the task cannot be loaded.
      UserError: if a process has other code, packages or data than the chief.
      TimeoutError: if a process has not joined in time.
    """
    import tensorflow as tf
    import tensorflow_transform as tft

    me = cluster.from_environment()
    # The strategy comes first, because it can only be made before this process uses TensorFlow.
    with heartbeat.silence(heartbeat.JOINING_SECONDS):
        if job.pipelining.is_on:
            devices.of(job.pipelining)
            # Any other strategy would put all variables on devices of its own choice.
            strategy = tf.distribute.get_strategy()
        else:
            strategy = strategies.build(job.strategy)
    preemption.listen()
    if job.chief_alone:
        # Only the chief runs the training.
        me = cluster.SINGLE
    if me.processes > 1:
        # Each process computes the digest itself. If it were passed to all processes, it would always be equal.
        rendezvous.meet(me, rendezvous.identity_of(job_digest(job)))
    transform = tft.TFTransformOutput(files.local_copy(job.transform_graph_uri))
    return Session(job=job, me=me, strategy=strategy, task=job.task.load(), transform=transform)

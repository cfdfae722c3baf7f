"""A training job inside one of its processes: join the others, train each member, export, leave.

Every process runs the same steps; only the chief exports. The parts are in `trainer.session`.
"""

from __future__ import annotations

from limbeck import files
from trainer.distribution import cluster, farewell, rendezvous, strategies
from trainer.job import TrainingJob
from trainer.process import heartbeat, preemption
from trainer.recovery import job_digest
from trainer.session import finish, member
from trainer.session.session import Session


def run(job: TrainingJob) -> None:
    """Runs `job` in this process, as the role that TF_CONFIG names.

    Raises:
      TaskError: where the task's model is not what `Task` asks for.
      UserError: where the processes of the job do not run the same.
      TrainingFailedError: where training breaks down, or a checkpoint cannot be written.
      PreemptedError: where a process of the job was asked to end; what was reached is saved.
    """
    session = join(job)
    models, fitted = [], []
    for number in range(job.members):
        weights, result = member.train(session, number)
        fitted.append(result)
        if session.me.is_chief:
            models.append(finish.plain_copy(session, weights))
    if session.me.is_chief:
        finish.export(session, models, fitted)
    finish.write_record(session, fitted)
    farewell.leave_together(session.me)


def join(job: TrainingJob) -> Session:
    """Joins the other processes of the job, makes sure that all are about to do the same, and loads the task."""
    import tensorflow_transform as tft

    me = cluster.from_environment()
    # The strategy comes first: it must find the TensorFlow of this process unused.
    with heartbeat.silence(heartbeat.JOINING_SECONDS):
        strategy = strategies.build(job.strategy)
    preemption.listen()
    if me.processes > 1:
        # A digest of this process' own making: what it was handed would be the same in all of them.
        rendezvous.meet(me, rendezvous.identity_of(job_digest.digest(job)))
    transform = tft.TFTransformOutput(files.local_copy(job.transform_graph_uri))
    return Session(job=job, me=me, strategy=strategy, task=job.task.load(), transform=transform)

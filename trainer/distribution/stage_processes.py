"""Joins the processes of stages: the chief has the first stage and runs the training; the others are servers.

A stage needs no training loop. It computes the operations that the chief sends, and holds its variables. So the other
processes only run TensorFlow's server, and the chief uses their devices as it would use a second GPU. The same graph
then runs on one machine or on several.
"""

from __future__ import annotations

import functools
import logging
import threading
from typing import Any

from limbeck.trainer.distribution import cluster, stage_signs
from limbeck.trainer.job import TrainingJob
from limbeck.trainer.process import preemption
from limbeck.trainer.process.preemption import PreemptedError

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 1.0


def serve_if_asked(job: TrainingJob) -> bool:
    """Serves until the chief is done, if this process has a stage after the first. Returns whether it served.

    Raises:
      PreemptedError: if this process was asked to end. The chief was told, and is done.
    """
    me = cluster.from_environment()
    if job.pipelining.processes == 1 or me.is_chief:
        return False
    server, told = start_server(), False
    while server and not stage_signs.released(job.record_uri):
        if preemption.requested() and not told:
            stage_signs.ask(job.record_uri, me.rank)
            told = True
        threading.Event().wait(_LOOK_SECONDS)
    if told:
        raise PreemptedError(f"the process of {job.pipelining.place(me.rank)} was asked to end")
    return True


def start_server() -> Any:
    """Starts TensorFlow's server for the task of this process in TF_CONFIG, and returns it."""
    import tensorflow as tf

    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    return tf.distribute.Server(
        resolver.cluster_spec(), job_name=resolver.task_type, task_index=resolver.task_id, protocol="grpc"
    )


@functools.cache
def connect() -> tuple[str, ...]:
    """Joins the processes of all stages, and returns the device of each, by rank: its first GPU, or its CPU.

    The chief calls it, before it uses TensorFlow. It blocks until every process can be reached. A process joins once.
    """
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        # Otherwise the process takes all memory of every GPU.
        tf.config.experimental.set_memory_growth(gpu, True)
    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    tf.config.experimental_connect_to_cluster(
        resolver.cluster_spec(), job_name=resolver.task_type, task_index=resolver.task_id, protocol="grpc"
    )
    names = [device.name for device in tf.config.list_logical_devices()]
    workers = len(resolver.cluster_spec().as_dict().get(cluster.WORKER, []))
    tasks = [
        f"/job:{cluster.CHIEF}/replica:0/task:0",
        *(f"/job:{cluster.WORKER}/replica:0/task:{n}" for n in range(workers)),
    ]
    found = tuple(device_of(task, names) for task in tasks)
    _log.info("the stages are on %s", ", ".join(found))
    return found


def device_of(task: str, names: list[str]) -> str:
    """Returns the first GPU of a task such as `/job:worker/replica:0/task:0` among the names of devices, or its CPU."""
    mine = [name for name in names if name.startswith(f"{task}/")]
    return next((name for name in mine if "device:GPU:0" in name), f"{task}/device:CPU:0")

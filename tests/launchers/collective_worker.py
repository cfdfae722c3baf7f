"""The stock training process, with collective operations for a training: `collective_worker.py <behaviour> <job>`.

In its fifth step rank 1 stops for good (`stop`), or is asked to end in the first attempt (`preempted`).
"""

import os
import signal
import sys
from pathlib import Path

from limbeck.rank_record import RankRecord
from limbeck.records import to_json
from limbeck.trainer import training, worker
from limbeck.trainer.distribution import agreement, cluster, farewell, strategies
from limbeck.trainer.process import heartbeat, preemption
from limbeck.trainer.process.preemption import PreemptedError

STEPS, STEP_OF_FATE = 10, 5


def run(job):
    me, behaviour = cluster.from_environment(), sys.argv[1]
    with heartbeat.silence(heartbeat.JOINING_SECONDS):
        strategy = strategies.build(job.strategy)
    preemption.listen()
    any_process = agreement.any_process(strategy)
    first_time = not (Path(job.record_uri) / "saved-0").exists()
    for step in range(STEPS):
        if me.rank == 1 and step == STEP_OF_FATE and first_time:
            os.kill(os.getpid(), {"stop": signal.SIGSTOP, "preempted": signal.SIGTERM}[behaviour])
        if any_process(preemption.requested()):
            (Path(job.record_uri) / f"saved-{me.rank}").write_text(str(step))
            raise PreemptedError
    record = RankRecord(role=me.role, rank=me.rank, steps=STEPS, examples=0, seconds=0.0)
    (Path(job.record_uri) / f"rank-{me.rank}.json").write_text(to_json(record))
    farewell.leave_together(me)


if __name__ == "__main__":
    training.run = run
    sys.exit(worker.main(sys.argv[2:]))

"""What stands for the image of a custom job: `replica.py <behaviour> ARGUMENTS`, with a process that does not train.

`limbeck.launchers.vertex.in_replica` itself runs. Only what it calls at its end is a behaviour of
`tests/launchers/worker.py`.
"""

import sys
from pathlib import Path

from limbeck.launchers.vertex import in_replica
from limbeck.records import from_json
from limbeck.trainer import worker
from limbeck.trainer.distribution import cluster
from limbeck.trainer.job import TrainingJob
from limbeck.trainer.process import heartbeat, lifeline
from tests.launchers import worker as behaviours


def _main(arguments):
    lifeline.die_with_parent()
    heartbeat.start()
    job = from_json(TrainingJob, Path(arguments[0]).read_text())
    getattr(behaviours, sys.argv[1])(job, cluster.from_environment())
    return 0


if __name__ == "__main__":
    worker.main = _main
    sys.exit(in_replica.main(sys.argv[2:]))

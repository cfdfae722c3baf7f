"""A training process that joins the cluster, meets the others and leaves: `rendezvous_worker.py <job.json>`.

`LIMBECK_TEST_IDENTITY` is JSON. It holds, by rank, what each process pretends to run. A rank with `null` dies instead.
`LIMBECK_TEST_ANSWER` is `lost` if the chief has to be gone before it has answered the goodbye of a worker.
"""

import dataclasses
import itertools
import json
import os
import signal
import sys
import time
from pathlib import Path

from limbeck.errors import UserError
from limbeck.rank_record import RankRecord
from limbeck.records import from_json, to_json
from limbeck.trainer.distribution import cluster, coordination, farewell, rendezvous, strategies
from limbeck.trainer.job import TrainingJob
from limbeck.trainer.process import heartbeat, lifeline


def main(job):
    me = cluster.from_environment()
    strategies.build(job.strategy)
    pretended = json.loads(os.environ["LIMBECK_TEST_IDENTITY"]).get(str(me.rank), {})
    if pretended is None:
        os.kill(os.getpid(), signal.SIGKILL)
    mine = rendezvous.identity_of(job_digest="ab12")
    versions = mine.versions | pretended.pop("versions", {})
    mine = dataclasses.replace(mine, versions=versions, **pretended)
    started = time.monotonic()
    try:
        rendezvous.meet(me, mine)
    except UserError as error:
        text = json.dumps({"kind": "user", "message": str(error)})
        Path(os.environ["LIMBECK_FAILURE"]).write_text(text)
        sys.exit(2)
    finally:
        seconds = time.monotonic() - started
        (Path(job.record_uri) / f"met-{me.rank}").write_text(f"{seconds}")
    record = RankRecord(role=me.role, rank=me.rank, steps=0, examples=0, seconds=seconds)
    (Path(job.record_uri) / f"rank-{me.rank}.json").write_text(to_json(record))
    if os.environ.get("LIMBECK_TEST_ANSWER") == "lost":
        coordination.publish = until_lost
    farewell.leave_together(me)


def until_lost(key, value, publish=coordination.publish):
    """Publishes, and goes on to do so until there is an error. Only the chief's end makes one."""
    publish(key, value)
    if key != farewell._DONE:
        for number in itertools.count():
            publish(f"{key}-{number}", value)


if __name__ == "__main__":
    lifeline.die_with_parent()
    heartbeat.start()
    main(from_json(TrainingJob, Path(sys.argv[1]).read_text()))

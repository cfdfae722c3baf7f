"""A training process without training: `worker.py <behaviour> <job.json>`.

Where one process must wait for another it opens a FIFO: opening blocks until both ends are there, and reading
until the writer closes it or dies.
"""

import contextlib
import json
import os
import select
import signal
import socket
import sys
from pathlib import Path

from trainer import cluster, lifeline
from trainer.config import from_json, to_json
from trainer.job import RankRecord, TrainingJob


def succeed(job, me):
    say(f"grüße from {me.rank}")
    sys.stderr.write("problem\n")
    leave_record(job, me)


def observe(job, me):
    seen = {
        "environment": dict(os.environ),
        "cwd": str(Path.cwd()),
        "files": sorted(path.name for path in Path().iterdir()),
        "modules": sorted(sys.modules),
        "job": to_json(job),
        "pid": os.getpid(),
    }
    (Path(job.record_uri) / f"seen-{me.rank}.json").write_text(json.dumps(seen))
    leave_record(job, me)


def meet(job, me):
    spec = json.loads(os.environ["TF_CONFIG"])["cluster"]
    addresses = spec["chief"] + spec["worker"]
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("", int(addresses[me.rank].split(":")[1])))
    listener.listen()
    if me.is_chief:
        for rank in range(1, me.processes):
            fifo(job, f"listening-{rank}").open("w").close()
        said = {listener.accept()[0].recv(100).decode() for _ in addresses[1:]}
        assert said == {str(rank) for rank in range(1, me.processes)}, said
    else:
        fifo(job, f"listening-{me.rank}").open().close()
        host, port = addresses[0].split(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(str(me.rank).encode())
    leave_record(job, me)


def rank_1_is_killed(job, me):
    if me.rank == 1:
        say("about to die")
        os.kill(os.getpid(), signal.SIGKILL)
    wait_forever()


def killed_after_peer_failed(job, me):
    wait_for_failed_peer(job, me)
    os.kill(os.getpid(), signal.SIGKILL)


def user_failure_after_peer_failed(job, me):
    wait_for_failed_peer(job, me)
    report("label 'x' is unknown")
    sys.exit(2)


def user_failure_hangs_on_leaving(job, me):
    if me.rank == 1:
        report("label 'x' is unknown")
        fifo(job, "reported").open("w").close()
        wait_forever()
    fifo(job, "reported").open().close()
    sys.exit("lost a peer")


def half_a_failure_file(job, me):
    Path(os.environ["LIMBECK_FAILURE"]).write_text('{"kind": "us')
    sys.exit(1)


def deaf_to_sigterm(job, me):
    if me.rank == 1:
        fifo(job, "deaf").open().close()
        sys.exit(3)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    fifo(job, "deaf").open("w").close()
    wait_forever()


def verbose(job, me):
    for number in range(20_000):
        say(f"line {number} of a process that fills its pipe")
    sys.exit(4)


def without_record(job, me):
    pass


def wait(job, me):
    say("waiting")
    wait_forever()


def wait_for_failed_peer(job, me):
    """Returns in rank 1 when rank 0 has died of an ordinary error."""
    if me.rank == 0:
        fifo(job, "pid").write_text(str(os.getpid()))
        sys.exit("UnavailableError: lost a peer")
    peer = int(fifo(job, "pid").read_text())
    with contextlib.suppress(ProcessLookupError):
        select.select([os.pidfd_open(peer)], [], [])


def fifo(job, name):
    path = Path(job.record_uri) / name
    with contextlib.suppress(FileExistsError):
        os.mkfifo(path)
    return path


def wait_forever():
    while True:
        signal.pause()


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def report(message):
    text = json.dumps({"kind": "user", "message": message})
    Path(os.environ["LIMBECK_FAILURE"]).write_text(text)


def leave_record(job, me):
    record = RankRecord(role=me.role, rank=me.rank, steps=7, examples=70, seconds=0.5)
    (Path(job.record_uri) / f"rank-{me.rank}.json").write_text(to_json(record))


if __name__ == "__main__":
    lifeline.die_with_parent()
    _job = from_json(TrainingJob, Path(sys.argv[2]).read_text())
    globals()[sys.argv[1]](_job, cluster.from_environment())

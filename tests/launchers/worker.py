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
import time
from pathlib import Path

from limbeck.rank_record import RankRecord
from limbeck.records import from_json, to_json
from limbeck.trainer.distribution import cluster
from limbeck.trainer.job import TrainingJob
from limbeck.trainer.process import heartbeat, lifeline, preemption


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


def verbose_to_the_end(job, me):
    for number in range(20_000):
        say(f"line {number} of a process that fills its pipe")
    leave_record(job, me)


def without_record(job, me):
    pass


def wait(job, me):
    say("waiting")
    wait_forever()


def rank_1_dies_at_first(job, me):
    """Kills itself in the first attempt; the other waits for it, as in a collective operation."""
    if me.rank == 1 and attempt(job, me) == 1:
        say("about to die")
        os.kill(os.getpid(), signal.SIGKILL)
    meet_peers(job, me)
    leave_record(job, me)


def rank_1_dies_always(job, me):
    if me.rank == 1:
        say(f"about to die in attempt {attempt(job, me)}")
        os.kill(os.getpid(), signal.SIGKILL)
    meet_peers(job, me)


def rank_1_stops(job, me):
    """Stands still in the first attempt, while the other waits for it."""
    if me.rank == 1 and attempt(job, me) == 1:
        say("about to stop")
        os.kill(os.getpid(), signal.SIGSTOP)
    meet_peers(job, me)
    leave_record(job, me)


def rank_1_stops_and_its_peer_gives_up(job, me):
    """As under TensorFlow, which notices after some seconds, and blames no one."""
    if me.rank == 1:
        fifo(job, "stopping").open("w").close()
        os.kill(os.getpid(), signal.SIGSTOP)
    fifo(job, "stopping").open().close()
    beats = Path(os.environ[heartbeat.ENVIRONMENT].replace("heartbeat-0", "heartbeat-1"))
    while time.time() - beats.stat().st_mtime < 6:
        time.sleep(0.1)
    sys.exit("UnavailableError: lost a peer")


def busy(job, me):
    """Works for longer than the deadline without a word, but lives."""
    time.sleep(5)
    leave_record(job, me)


def preempted_at_first(job, me):
    """Every process is asked to end in each of the first four attempts, and saves."""
    number = attempt(job, me)
    # The first to end has the launcher end the others, one of which might not have counted yet.
    meet_peers(job, me)
    if number <= 4:
        with preemption.watching():
            os.kill(os.getpid(), signal.SIGTERM)
            assert preemption.requested()
        sys.exit(preemption.EXIT_CODE)
    leave_record(job, me)


def preempted_but_a_peer_failed(job, me):
    if me.rank == 1:
        fifo(job, "left").open("w").close()
        sys.exit(preemption.EXIT_CODE)
    fifo(job, "left").open().close()
    sys.exit(5)


def user_failure(job, me):
    attempt(job, me)
    report("label 'x' is unknown")
    sys.exit(2)


def storage_is_away_at_first(job, me):
    if me.rank == 1 and attempt(job, me) == 1:
        report("the checkpoint of step 7 cannot be written", "passing")
        sys.exit(1)
    meet_peers(job, me)
    leave_record(job, me)


def storage_is_away_beside_a_mistake(job, me):
    attempt(job, me)
    if me.rank == 0:
        report("label 'x' is unknown")
        fifo(job, "reported").open("w").close()
        wait_forever()
    fifo(job, "reported").open().close()
    report("the checkpoint of step 7 cannot be written", "passing")
    sys.exit(1)


def broke_down(job, me):
    """Rank 1 is killed in the first attempt; in the second the loss is NaN."""
    number = attempt(job, me)
    if me.rank == 1 and number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 2:
        report("the loss is nan at step 7", "final")
        sys.exit(1)
    wait_forever()


def save_when_asked(job, me):
    """Runs until it is asked to end, then saves, which takes a moment."""
    attempt(job, me)
    with preemption.watching():
        say("waiting")
        while not preemption.requested():
            signal.sigtimedwait([], 0.01)
        (Path(job.record_uri) / f"saved-{me.rank}").touch()
    sys.exit(preemption.EXIT_CODE)


def attempt(job, me):
    """The number of this attempt, from 1, as this rank has counted."""
    with (Path(job.record_uri) / f"attempts-{me.rank}").open("a") as file:
        file.write("x")
    return len((Path(job.record_uri) / f"attempts-{me.rank}").read_text())


def meet_peers(job, me):
    """Returns when all processes are here; waits for ever for one that is not."""
    for rank in range(1, me.processes):
        if me.is_chief:
            fifo(job, f"here-{rank}").open().close()
        elif me.rank == rank:
            fifo(job, f"here-{rank}").open("w").close()


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


def report(message, kind="user"):
    text = json.dumps({"kind": kind, "message": message})
    Path(os.environ["LIMBECK_FAILURE"]).write_text(text)


def leave_record(job, me):
    record = RankRecord(role=me.role, rank=me.rank, steps=7, examples=70, seconds=0.5)
    (Path(job.record_uri) / f"rank-{me.rank}.json").write_text(to_json(record))


if __name__ == "__main__":
    lifeline.die_with_parent()
    heartbeat.start()
    _job = from_json(TrainingJob, Path(sys.argv[2]).read_text())
    globals()[sys.argv[1]](_job, cluster.from_environment())

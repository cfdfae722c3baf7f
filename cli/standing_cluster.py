"""Starts the processes of a cluster on this machine, waits until it is complete, reports lost processes, and ends all.

Each process has its own session, so that it can be ended together with its children, as if its machine had died. No
session outlives this process, however this process ends, because the guardian knows each session before a program runs
in it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from limbeck.beam_processes import ready
from limbeck.cli import guardian, stopping
from limbeck.engines.standalone.kind import Daemon, Overview, Plan, StandaloneKind
from limbeck.launchers import failure

# The first start of Java on a slow machine takes half a minute.
_START_SECONDS = 120.0
_END_SECONDS = 10.0
_ANSWER_SECONDS = 5.0
_LOOK_SECONDS = 0.2
_LINES, _BYTES = 15, 8192
# The command runs only after the shell has read a line. If this process dies before, the pipe ends, and nothing runs.
_AFTER_A_LINE = 'read -r _ && exec "$@" < /dev/null'


@dataclasses.dataclass(frozen=True)
class Member:
    """A process of the cluster, with its session, and the file of its output."""

    daemon: Daemon
    process: subprocess.Popen[bytes]
    log: Path

    def last_lines(self) -> str:
        """Returns the end of its output."""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - _BYTES))
            text = log.read().decode(errors="replace")
        return "\n".join(f"  {line}" for line in text.splitlines()[-_LINES:])


class StandingCluster:
    """A cluster that this process has started.

    Attributes:
      kind: its kind.
      plan: what it is made of.
      workers: its workers, including those that have died.
    """

    def __init__(self, kind: StandaloneKind, plan: Plan, logs: Path, guard: guardian.Guardian) -> None:
        """Starts nothing.

        Args:
          kind: the kind of cluster.
          plan: what it is made of.
          logs: existing folder for the output of its processes.
          guard: the guardian that ends the sessions if this process dies.
        """
        self.kind, self.plan = kind, plan
        self.workers: list[Member] = []
        self._logs, self._guard = logs, guard
        self._living: list[Member] = []

    def start(self, daemon: Daemon) -> Member:
        """Starts a process."""
        log = self._logs / f"{daemon.name.replace(' ', '-')}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                ["/bin/sh", "-c", _AFTER_A_LINE, "sh", *daemon.command],
                env={**os.environ, **daemon.variables},
                cwd=self.plan.folder,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        member = Member(daemon, process, log)
        self._living.append(member)
        self._guard.add(process.pid)
        assert process.stdin is not None  # noqa: S101
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(b"\n")
        return member

    def add_worker(self) -> Member:
        """Starts a worker, the next by number."""
        self.workers.append(self.start(self.kind.worker(self.plan, len(self.workers) + 1)))
        return self.workers[-1]

    def overview(self) -> Overview | None:
        """Asks the cluster for its state. Returns None if it does not answer."""
        import http.client
        import urllib.request

        # No proxy, because a proxy of the user's network cannot reach a port of this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(self.kind.overview_url(self.plan), timeout=_ANSWER_SECONDS) as answer:
                return self.kind.overview(answer.read())
        except (OSError, http.client.HTTPException):
            return None

    def await_complete(self) -> None:
        """Waits until the cluster reports that all workers are connected.

        Raises:
          NotStartedError: if a process ends before that, or if it takes longer than two minutes.
        """
        deadline = time.monotonic() + _START_SECONDS
        found: Overview | None = None
        while time.monotonic() < deadline:
            for member in self._ended():
                raise ready.NotStartedError(
                    f"the {member.daemon.name} {failure.describe(member.process.returncode)} before the cluster was "
                    f"complete; its last lines:\n{member.last_lines()}"
                )
            found = self.overview()
            if found is not None and found.complete(self.plan):
                return
            time.sleep(_LOOK_SECONDS)
        known = "does not answer" if found is None else f"has {found.workers} of {self.plan.workers} workers"
        raise ready.NotStartedError(
            f"the cluster {known} after {_START_SECONDS:.0f} seconds; the last lines of the "
            f"{self._living[0].daemon.name}:\n{self._living[0].last_lines()}"
        )

    def start_job_server(self, command: Sequence[str], address: str) -> None:
        """Starts a job server in Java, and waits until it answers.

        Args:
          command: its program and arguments.
          address: `host:port` at which it listens.

        Raises:
          NotStartedError: if it ends before that, or if it takes longer than two minutes.
        """
        server = self.start(Daemon("job server", tuple(command), self.kind.java_variables(self.plan)))
        try:
            ready.await_answer(server.process, address, "the job server")
        except ready.NotStartedError as error:
            raise ready.NotStartedError(f"{error}:\n{server.last_lines()}") from None

    def watch(self, say: Callable[[str], None]) -> str:
        """Reports each lost worker until a process other than a worker ends. Returns in words what ended.

        Args:
          say: prints a line.
        """
        counted = self.plan.workers
        while True:
            # The cluster is asked first, so every process that it reports as ended has really ended.
            found = self.overview()
            for member in self._ended():
                what = f"the {member.daemon.name} {failure.describe(member.process.returncode)}"
                self._end([member])
                if member not in self.workers:
                    return f"{what}; its last lines:\n{member.last_lines()}"
                left = sum(worker in self._living for worker in self.workers)
                say(f"lost: {what}; workers that are left: {left} of {len(self.workers)}")
            if found is not None and found.workers != counted:
                counted = found.workers
                say(f"{self.kind.title} knows {counted} of {len(self.workers)} workers now")
            time.sleep(_LOOK_SECONDS)

    def end(self) -> None:
        """Ends all processes and their children."""
        self._end(list(reversed(self._living)))

    def _ended(self) -> list[Member]:
        return [member for member in self._living if member.process.poll() is not None]

    def _end(self, members: Sequence[Member]) -> None:
        sessions = [member.process.pid for member in members]
        for session in sessions:
            guardian.end_session(session, signal.SIGTERM)
        deadline = time.monotonic() + _END_SECONDS
        while any(map(guardian.members, sessions)):
            if time.monotonic() > deadline:
                for session in sessions:
                    guardian.end_session(session, signal.SIGKILL)
            time.sleep(_LOOK_SECONDS / 4)
        for member in members:
            member.process.wait()
            self._guard.forget(member.process.pid)
            self._living.remove(member)


@contextlib.contextmanager
def standing(kind: StandaloneKind, plan: Plan, logs: Path) -> Iterator[StandingCluster]:
    """Yields a complete cluster with all of its workers. Ends it at the end of the context.

    Args:
      kind: the kind of cluster.
      plan: what it is made of.
      logs: existing folder for the output of its processes.

    Raises:
      ConfigError: if the installation lacks a file.
      NotStartedError: if the cluster is not complete in two minutes, or a process ends before.
    """
    plan.temporary.mkdir()
    plan.configuration.mkdir()
    for name, text in kind.files(plan).items():
        (plan.configuration / name).write_text(text, encoding="utf-8")
    with guardian.guarding() as guard:
        cluster = StandingCluster(kind, plan, logs, guard)
        try:
            cluster.start(kind.master(plan))
            for _ in range(plan.workers):
                cluster.add_worker()
            cluster.await_complete()
            yield cluster
        finally:
            with stopping.postponed():
                cluster.end()

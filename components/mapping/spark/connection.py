"""The connection to a Spark cluster, and the calls of a job. Each worker is checked before it works.

Spark starts new executors, with new Python processes, for each application. So no process has old code in its memory.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from limbeck.components.mapping import worker
from limbeck.components.mapping.cluster import Item, Result
from limbeck.errors import UserError
from limbeck.records import from_json
from limbeck.settings.scoring import ScoringConfig
from limbeck.trainer.process import interpreter

_LOOK_SECONDS = 0.2
_MISSING = re.compile(r"(?:ModuleNotFoundError|ImportError|AttributeError): .*")


class SparkCluster:
    """Implements `limbeck.components.mapping.cluster.Cluster`."""

    def __init__(self, context: Any, settings: ScoringConfig, wanted: str) -> None:
        """Takes a `pyspark.SparkContext`, the settings, and what each worker must be."""
        self._context = context
        self._settings = settings
        self._wanted = wanted

    @property
    def room(self) -> int:
        """The number of cores of all executors that are connected now; at least 1."""
        return 1 if _is_stopped(self._context) else max(1, _room(self._context))

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """Returns `function(item)` of each item, in the order of the items. Raises UserError as `Cluster` says."""
        if not items:
            return []
        if _is_stopped(self._context):
            raise _lost(self._settings)
        work = [worker.packed(function, item) for item in items]
        calls = self._context.parallelize(work, len(work)).map(functools.partial(worker.call, self._wanted))
        return [worker.result_of(said) for said in _collected(calls, self._settings)]


@contextlib.contextmanager
def connected(settings: ScoringConfig, wanted: str) -> Iterator[SparkCluster]:
    """Implements `limbeck.components.mapping.cluster.Connection`."""
    with _context(settings) as context:
        _await_executor(context, settings)
        _assert_workers(context, settings, wanted)
        yield SparkCluster(context, settings, wanted)


@contextlib.contextmanager
def _context(settings: ScoringConfig) -> Iterator[Any]:
    from pyspark import SparkConf, SparkContext

    # Executors start Python from the same path as the pipeline, unless the user names another path.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    path = interpreter.environment(os.environ)["PYTHONPATH"]
    conf = (
        SparkConf()
        .setMaster(settings.address)
        .setAppName("limbeck")
        .set("spark.ui.enabled", "false")
        .set("spark.executorEnv.PYTHONPATH", path)
    )
    before = signal.getsignal(signal.SIGINT)
    try:
        with SparkContext(conf=conf) as context:
            yield context
    finally:
        end_java()
        # Spark installs a signal handler and never removes it. It would call a context that has ended.
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before)


def end_java() -> None:
    """Ends the Java process of Spark, which would otherwise live as long as this process. No context may be active."""
    from pyspark import SparkContext

    gateway = SparkContext._gateway
    if gateway is None:
        return
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()
    SparkContext._gateway = SparkContext._jvm = None


def _await_executor(context: Any, settings: ScoringConfig) -> None:
    """Raises UserError if no executor came in time."""
    deadline = time.monotonic() + settings.start_seconds
    while (stopped := _is_stopped(context)) or _executors(context) == 0:
        if stopped or time.monotonic() > deadline:
            raise UserError(
                f"the Spark cluster at scoring.address={settings.address} gave no executor within "
                f"{settings.start_seconds:g} s: see whether it has a worker with a free core, and Spark "
                f"{context.version} as here, or raise scoring.start_seconds"
            )
        time.sleep(_LOOK_SECONDS)


def _is_stopped(context: Any) -> bool:
    return bool(context._jsc.sc().isStopped())


def _executors(context: Any) -> int:
    # Spark counts the driver as an executor, too.
    return int(context._jsc.sc().getExecutorMemoryStatus().size()) - 1


def _room(context: Any) -> int:
    # `defaultParallelism` is at least 2, even if there is only one core.
    scala = context._jsc.sc()
    return int(scala.maxNumConcurrentTasks(scala.resourceProfileManager().defaultResourceProfile()))


def _assert_workers(context: Any, settings: ScoringConfig, wanted: str) -> None:
    """Makes one process on each core of the cluster check itself. Raises UserError if one must not work."""
    # A barrier with more tasks than free cores waits for ever.
    room = _room(context)
    # A barrier starts all tasks at once, so each core gets exactly one.
    looks = context.parallelize(range(room), room).barrier().mapPartitions(functools.partial(_look, wanted))
    for said in _collected(looks, settings):
        look = from_json(worker.Look, said)
        wrong = look.wrong_here()
        if wrong:
            raise UserError(worker.refusal(look.host, wrong))


def _look(wanted: str, _: Iterator[int]) -> list[str]:
    return [worker.look(wanted)]


def _collected(calls: Any, settings: ScoringConfig) -> list[Any]:
    """Returns the results of a job. Raises UserError if a worker lacks our code, or if the cluster was lost."""
    from py4j.protocol import Py4JError

    with _watching(calls.context, settings) as lost:
        try:
            return list(calls.collect())
        except Py4JError as error:
            missing = _MISSING.search(str(error))
            if missing is not None:
                lacking = f"lacks what scoring needs: {missing[0]}"
                raise UserError(worker.refusal("a machine of Spark", lacking)) from None
            if lost.is_set() or _is_stopped(calls.context):
                raise _lost(settings) from None
            raise


def _lost(settings: ScoringConfig) -> UserError:
    return UserError(
        f"the Spark cluster at scoring.address={settings.address} has lost its master or all its workers, and none "
        f"came within {settings.start_seconds:g} s: start them again, or raise scoring.start_seconds"
    )


@contextlib.contextmanager
def _watching(context: Any, settings: ScoringConfig) -> Iterator[threading.Event]:
    """Cancels the jobs if the cluster has had no executor for too long. Spark itself would wait for ever.

    Yields an event that is set when the jobs are cancelled.
    """
    from py4j.protocol import Py4JError

    lost, done = threading.Event(), threading.Event()

    def watch() -> None:
        seen = time.monotonic()
        # The context was stopped in the meantime, so its jobs have ended.
        with contextlib.suppress(Py4JError):
            while not done.wait(_LOOK_SECONDS):
                seen = time.monotonic() if _executors(context) else seen
                if time.monotonic() - seen > settings.start_seconds:
                    lost.set()
                    context.cancelAllJobs()
                    return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield lost
    finally:
        done.set()
        watcher.join()

"""A whole run on Flink and on Spark, where Beam's job server for it is there: a worker dies in Transform.

No such jar was to be had where Limbeck was built, so nobody has run this file yet.
"""

from __future__ import annotations

import json
import os
import re
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from limbeck import events
from limbeck.cli.local_run.run_folder import RunFolder
from tests.cli.standing import ENGINES, Engine, Started
from tests.integration.one_run.base import Base
from tests.integration.one_run.test_determinism import assert_equal_runs
from tests.integration.one_run.test_engines import predictions, soft_targets
from tests.integration.runs import SHORT, run

pytestmark = [pytest.mark.pipeline, pytest.mark.long]
_LOOK_SECONDS = 0.05


@pytest.fixture(params=ENGINES, ids=lambda engine: engine.name)
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.param
    variable = f"{found.name.upper()}_JOB_SERVER_JAR"
    if variable not in os.environ:
        pytest.skip(f"{variable} names no job server of Beam 2.64.0 for {found.name}")
    return found


@pytest.fixture
def cluster(engine: Engine, tmp_path: Path) -> Iterator[Started]:
    place = tmp_path / "temporary"
    place.mkdir()
    jar = os.environ[f"{engine.name.upper()}_JOB_SERVER_JAR"]
    # Two tasks a worker: one worker that is left can do the work of both.
    size = ("--workers", "2", "--cores", "2", "--port", "0", "--job-port", "0")
    with Started(place, engine.name, "--home", engine.home, *size, "--job-server-jar", jar) as started:
        started.until("Ctrl-C ends")
        yield started
        everything = started.processes()
        started.process.terminate()
        assert started.ended() == 143
        started.assert_nothing_left(everything)


def settings_of(cluster: Started) -> dict[str, str]:
    """The settings that the cluster has told the user, but for the number of workers."""
    told = dict(re.findall(r"--set (beam\.\w+)=(\S+)", "".join(cluster.said)))
    return {**told, "beam.workers": "2"}


def asked(url: str) -> Any:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=30) as answer:
        return json.loads(answer.read())


def readers(master: str) -> int:
    """The largest number of subtasks that have read records for one step of one job of Flink."""
    counts = [0]
    for job in asked(f"{master}/jobs/overview")["jobs"]:
        for vertex in asked(f"{master}/jobs/{job['jid']}")["vertices"]:
            subtasks = asked(f"{master}/jobs/{job['jid']}/vertices/{vertex['id']}")["subtasks"]
            counts.append(sum(one["metrics"]["read-records"] > 0 for one in subtasks))
    return max(counts)


def kill_in_transform(file: Path, worker: psutil.Process, over: threading.Event) -> None:
    """Kills a worker when Transform has begun, if it does before the run is over."""
    while not over.wait(_LOOK_SECONDS):
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        found = [event for event in map(events.parse, lines) if event is not None]
        if any(one["event"] == "node_started" and one.get("node") == "Transform" for one in found):
            worker.kill()
            return


def test_a_run_makes_what_a_local_run_makes_though_a_worker_dies(
    base: Base, engine: Engine, cluster: Started, tmp_path: Path
):
    root, over = tmp_path / "root", threading.Event()
    [_, second] = cluster.running(engine.worker)
    killer = threading.Thread(target=kill_in_transform, args=(RunFolder(root).events, second, over))
    killer.start()
    given = settings_of(cluster)
    try:
        done = run(str(base.task), root, *SHORT, *(f"{key}={value}" for key, value in given.items()))
    finally:
        over.set()
        killer.join()
    assert done.code == 0, done.output
    assert not second.is_running()
    assert_equal_runs(base.root, root)
    assert soft_targets(root) == soft_targets(base.root) != {}
    assert predictions(root) == predictions(base.root)
    if engine.name == "flink":
        assert readers(given["beam.master"]) > 1

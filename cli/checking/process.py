"""The process that runs the nodes of a check: `python -m limbeck.cli.checking.process ROOT`."""

from __future__ import annotations

import dataclasses
import functools
import os
import sys
from typing import Any

from limbeck import events, importing, reference
from limbeck.cli.checking import estimate, plan
from limbeck.cli.checking.outcome import FILE, Outcome, Training
from limbeck.cli.local_run import runner
from limbeck.cli.local_run.collect import read_events, run_id
from limbeck.cli.local_run.run_folder import RunFolder
from limbeck.records import to_json
from limbeck.settings.beam import BeamConfig
from limbeck.settings.operational import Operational
from limbeck.settings.scoring import ScoringConfig

_EXAMPLES_OF_REQUEST = 3


def check(folder: RunFolder) -> None:
    """Runs the nodes of a check in the folder, and writes the `Outcome`. Raises UserError as a run would."""
    request = folder.request()
    # A few rows need no cluster.
    config = dataclasses.replace(request.config, beam=BeamConfig(), scoring=ScoringConfig())
    request = dataclasses.replace(request, config=config)
    events.emit("phase", what="loading TensorFlow and TFX")
    with importing.for_good():
        from limbeck.cli.checking import facts, served
        from limbeck.cli.local_run.dag_runner import ObservedDagRunner
        from limbeck.cli.local_run.store import executions_of
        from limbeck.launchers import launch

    os.environ.pop(reference.ENVIRONMENT, None)
    os.environ.update(runner.environment(folder, request))
    # Both models are trained here, so neither must be tried before. But the student's distillation must be tried.
    operational = Operational.of(request.config, None)
    os.environ.update(dataclasses.replace(operational, planned_teacher=None).environment())
    os.environ.update(plan.TRIAL.environment())
    prepare = functools.partial(launch.prepare, request.config.launcher)
    ObservedDagRunner(only=plan.NODES, at_first_work=prepare).run(runner.graph_of(folder, request))
    happened = read_events(folder.events)
    done = {one.node: one.outputs for one in executions_of(folder.metadata, run_id(folder.events))}
    events.emit("phase", what="asking the exported student")
    examples, task = done["ExampleGen"]["examples"].uri, request.task.load()
    answers = served.answers(
        served_model(done[plan.TRAININGS["student"]]["model"].uri),
        facts.raw_examples(examples, _EXAMPLES_OF_REQUEST),
        f"the student of task '{task.name}'",
    )
    events.emit("phase", what="looking at the data")
    uris = {
        "examples": examples,
        "statistics": done["StatisticsGen"]["statistics"].uri,
    }
    seconds = {one["node"]: one["seconds"] for one in happened if one["event"] == "node_finished"}
    outcome = Outcome(
        facts.data_of(task, request.config.data, uris),
        {entry: _training(entry, seconds[node], happened) for entry, node in plan.TRAININGS.items()},
        sum(taken for node, taken in seconds.items() if node not in plan.TRAININGS.values()),
        answers,
        task.objective.wording.tempered,
    )
    (folder.root / FILE).write_text(to_json(outcome), encoding="utf-8")


def served_model(uri: str) -> str:
    """Returns the folder of the SavedModel in a Model artifact."""
    from tfx.utils import path_utils

    return str(path_utils.serving_model_path(uri))


def _training(entry: str, seconds: float, happened: list[dict[str, Any]]) -> Training:
    points = [
        (one["step"], one["time"]) for one in happened if one["event"] == "training" and one["entry"] == entry
    ]
    step = estimate.seconds_per_step(points)
    # A sample of a few rows has few steps, whose time counts as part of the start.
    return Training(step or 0.0, max(0.0, seconds - points[-1][0] * (step or 0.0)))


if __name__ == "__main__":
    sys.exit(runner.main(sys.argv[1:], check))

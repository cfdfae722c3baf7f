"""Makes a `Report` from the files and the metadata of a run. The run may have succeeded, failed, or been stopped."""

from __future__ import annotations

import fnmatch
import importlib.metadata
import platform
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limbeck import files
from limbeck.cli import exit_codes
from limbeck.cli.local_run.run_folder import RunFolder
from limbeck.cli.local_run.store import Execution, Output, executions_of
from limbeck.events import parse
from limbeck.launchers.failure import describe
from limbeck.models import MODELS
from limbeck.moved import Moved
from limbeck.rank_record import RankRecord
from limbeck.records import from_json
from limbeck.report import findings
from limbeck.report.schema import VERSION, GateReport, ModelReport, Outcome, Report, Stage
from limbeck.report.verdicts import TestSplit, Verdicts

if TYPE_CHECKING:
    from limbeck.components.gate.decision import Decision
    from limbeck.components.predictor.tables import Measured

_PACKAGES = ("tfx", "tensorflow", "tf-keras", "apache-beam", "kfp", "numpy")


def collect(folder: RunFolder, code: int) -> Report:
    """Collects the result of the last run.

    Args:
      folder: the folder of the run.
      code: exit code of the process that ran the pipeline.
    """
    request = folder.request()
    executions = executions_of(folder.metadata, run_id(folder.events))
    outputs = {one.node: one.outputs for one in executions if one.succeeded}
    decision = _decision(outputs.get("Gate"))
    gate = GateReport(decision.passed, decision.reasons) if decision else None
    verdicts = decision.verdicts if decision else Verdicts()
    measured = _measured(outputs.get("Predictor"))
    return Report(
        schema_version=VERSION,
        outcome=_outcome(code, gate),
        task=request.task.module.rpartition(".")[2],
        config=request.config,
        error=failure(folder, code),
        models=_models(measured),
        training={
            name: _records(outputs[model.node]["model_run"])
            for name, model in MODELS.items()
            if model.node in outputs
        },
        gap_recovered=verdicts.gap_recovered,
        distillation_helped=verdicts.distillation_helped,
        against=verdicts.against,
        against_teacher=verdicts.against_teacher,
        across_seeds=verdicts.across_seeds,
        test_split=_test_split(folder, decision),
        gate=gate,
        serving=_serving(folder, gate) if "Pusher" in outputs else None,
        stages=_stages(executions, _workers(folder.events)),
        measure=measured.measure if measured else Report.measure,
        wording=measured.wording if measured else Report.wording,
        compression=measured.compression if measured else None,
        findings=findings.read(outputs["Reporter"]["findings"].uri) if "Reporter" in outputs else None,
        versions={"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in _PACKAGES},
    )


def _outcome(code: int, gate: GateReport | None) -> Outcome:
    if code in (exit_codes.INTERRUPTED, exit_codes.TERMINATED):
        return Outcome.STOPPED
    if code != exit_codes.DONE or gate is None:
        return Outcome.FAILED
    return Outcome.PUSHED if gate.passed else Outcome.REFUSED


def failure(folder: RunFolder, code: int) -> str | None:
    """Returns why the last run did not end well; None if it did. `code` is as in `collect`."""
    if code == exit_codes.DONE:
        return None
    if code in (exit_codes.INTERRUPTED, exit_codes.TERMINATED):
        return f"the run was stopped by {signal.Signals(code - 128).name}"
    failures = [event["message"] for event in read_events(folder.events) if event["event"] == "failed"]
    return failures[-1] if failures else f"the process that runs the pipeline {describe(code)}"


def read_events(path: Path) -> list[dict[str, Any]]:
    """Returns the events of a run, without lines that their process did not finish."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
    return [event for event in map(parse, lines) if event is not None]


def run_id(events: Path) -> str | None:
    """Returns the last run's id in the metadata store; None if the run did not reach its first node.

    The id is needed because times do not identify the run: the clock of the store's machine may differ.
    """
    started = [event["run"] for event in read_events(events) if event["event"] == "pipeline"]
    return started[-1] if started else None


def _workers(path: Path) -> dict[str, tuple[Moved, ...]]:
    """Returns the bytes that the workers of each node moved in the last run."""
    finished = [event for event in read_events(path) if event["event"] == "node_finished"]
    return {event["node"]: tuple(Moved(**one) for one in event.get("workers", ())) for event in finished}


def _stages(executions: Sequence[Execution], workers: Mapping[str, tuple[Moved, ...]]) -> tuple[Stage, ...]:
    """Returns the stages. An artifact that one stage writes and others read is measured only once."""
    uris = {uri for one in executions for uri in (*one.read, *one.written)}
    sizes = {uri: files.folder_bytes(uri) for uri in uris}
    return tuple(
        Stage(
            one.node,
            round(one.seconds, 3),
            one.state == "CACHED",
            sum(sizes[uri] for uri in one.read),
            sum(sizes[uri] for uri in one.written),
            workers.get(one.node, ()),
        )
        for one in executions
    )


def _decision(outputs: dict[str, Output] | None) -> Decision | None:
    from limbeck.components.gate.decision import DECISION_FILE, Decision

    if not outputs:
        return None
    return from_json(Decision, files.read_text(files.join(outputs["blessing"].uri, DECISION_FILE)))


def _test_split(folder: RunFolder, decision: Decision | None) -> TestSplit | None:
    """Returns how many students have been judged on the test split by now. A cached decision has an older number."""
    from limbeck.components.gate import looks

    known = decision.test_split if decision else None
    return looks.count(str(folder.looks), known) if known else None


def _measured(outputs: dict[str, Output] | None) -> Measured | None:
    from limbeck.components.predictor import tables

    return tables.read_measured(outputs["measurements"].uri) if outputs else None


def _models(measured: Measured | None) -> dict[str, ModelReport]:
    if measured is None:
        return {}
    from limbeck.components.visualizer.assembly import models_of

    return models_of(measured)


def _records(output: Output) -> tuple[RankRecord, ...]:
    found = [name for name in files.names(output.uri) if fnmatch.fnmatch(name, "rank-*.json")]
    records = [from_json(RankRecord, files.read_text(files.join(output.uri, name))) for name in found]
    return tuple(sorted(records, key=lambda record: record.rank))


def _serving(folder: RunFolder, gate: GateReport | None) -> str | None:
    from limbeck.components.pusher.push import newest

    # If the student of the run passed the gate, it is the newest version.
    version = newest(folder.serving) if gate and gate.passed else None
    return str(version) if version else None

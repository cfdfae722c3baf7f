"""What Reporter, Predictor and Gate leave of a run, made from a report of a made-up one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from limbeck.components.gate.decision import DECISION_FILE, Decision
from limbeck.components.predictor.tables import MEASUREMENTS_FILE, Measured, ModelFacts
from limbeck.records import to_json
from limbeck.report import findings
from limbeck.report.findings import Roc
from limbeck.report.schema import Report
from limbeck.report.verdicts import Verdicts
from limbeck.trainer.serving.latency import Latency
from tests.report import sample_report

INPUTS = ("findings", "measurements", "blessing")


def sample(*, refused: bool = False) -> Report:
    """The report of the made-up run, with ROC curves: a quarter of a circle of 200 points."""
    report = sample_report.refused() if refused else sample_report.whole()
    assert report.findings is not None
    angle = np.linspace(0, np.pi / 2, 200)
    columns = [tuple(one.tolist()) for one in (1 - angle / 2, 1 - np.cos(angle), np.sin(angle))]
    roc = dict.fromkeys(("teacher", "student"), Roc(*columns, area=np.pi / 4))
    return dataclasses.replace(report, findings=dataclasses.replace(report.findings, roc=roc))


def write(report: Report, folder: Path) -> None:
    """Writes the artifacts below a folder, each under its name."""
    assert report.findings is not None
    assert report.gate is not None
    for name in INPUTS:
        (folder / name).mkdir(parents=True)
    findings.write(report.findings, str(folder / "findings"))
    verdicts = Verdicts(report.gap_recovered, report.distillation_helped, report.against, report.against_teacher)
    decision = Decision(report.gate.passed, report.gate.reasons, verdicts)
    (folder / "blessing" / DECISION_FILE).write_text(to_json(decision), encoding="utf-8")
    (folder / "measurements" / MEASUREMENTS_FILE).write_text(to_json(measured(report)), encoding="utf-8")


def measured(report: Report) -> Measured:
    """What Predictor measured."""
    return Measured(
        models={
            name: ModelFacts(one.parameters, one.bytes, Latency(one.latency_ms_p50, one.latency_ms_p99))
            for name, one in report.models.items()
        },
        measure=report.measure,
        wording=report.wording,
        metrics={name: one.metrics for name, one in report.models.items()},
        examples={name: one.examples or 0 for name, one in report.models.items()},
    )

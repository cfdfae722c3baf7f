"""Makes a `Report` from the artifacts of earlier nodes."""

from __future__ import annotations

from limbeck.components.gate.decision import Decision
from limbeck.components.predictor.tables import Measured
from limbeck.report.findings import Findings
from limbeck.report.schema import VERSION, GateReport, ModelReport, Outcome, Report
from limbeck.settings.config import Config


def report_of(
    task: str,
    config: Config,
    measured: Measured,
    decision: Decision,
    findings: Findings,
    *,
    given_teacher: bool = False,
) -> Report:
    """Returns the report of a run that is not over yet: without stages, processes and versions.

    Args:
      task: name of the task's module.
      config: settings of the run.
      measured: what Predictor measured.
      decision: the decision of Gate.
      findings: what Reporter found.
      given_teacher: whether the teacher is a model of another pipeline.
    """
    return Report(
        schema_version=VERSION,
        outcome=Outcome.PASSED if decision.passed else Outcome.REFUSED,
        task=task,
        config=config,
        models=models_of(measured),
        gap_recovered=decision.verdicts.gap_recovered,
        distillation_helped=decision.verdicts.distillation_helped,
        against=decision.verdicts.against,
        against_teacher=decision.verdicts.against_teacher,
        across_seeds=decision.verdicts.across_seeds,
        test_split=decision.test_split,
        gate=GateReport(decision.passed, decision.reasons),
        findings=findings,
        measure=measured.measure,
        wording=measured.wording,
        given_teacher=given_teacher,
        compression=measured.compression,
    )


def models_of(measured: Measured) -> dict[str, ModelReport]:
    """Returns quality and cost of each model. The largest comes first: the teacher, with which others are compared."""
    return {
        name: ModelReport(
            metrics=measured.metrics[name],
            parameters=facts.parameters,
            bytes=facts.bytes,
            latency_ms_p50=facts.latency_ms.p50,
            latency_ms_p99=facts.latency_ms.p99,
            examples=measured.examples[name],
        )
        for name, facts in sorted(measured.models.items(), key=lambda item: -item[1].parameters)
    }

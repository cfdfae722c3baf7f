"""The short form of the report, for the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from cli.report.schema import Outcome, Report
from cli.run_folder import RunFolder


def show(report: Report, folder: RunFolder) -> None:
    """Prints models, work of each process, verdict, and where to look."""
    console = Console(highlight=False)
    if report.models:
        console.print(_models(report))
    for entry, records in report.training.items():
        for record in records:
            work = f"{record.steps:,} steps, {record.examples:,} examples, {record.seconds:.0f} s"
            console.print(f"{entry} {record.role} (rank {record.rank}): {work}")
    for line in verdict(report):
        console.print(line, markup=False, soft_wrap=True)
    console.print(f"report: {folder.report_html}", markup=False, soft_wrap=True)
    if report.outcome is Outcome.FAILED:
        console.print(f"log: {folder.log}", markup=False, soft_wrap=True)


def verdict(report: Report) -> list[str]:
    """How the run ended, and why, in plain words."""
    if report.outcome is Outcome.PUSHED:
        return [f"the student passed its gate and is served from {report.serving}"]
    if report.outcome is Outcome.REFUSED and report.gate is not None:
        return [
            "the gate refused the student; nothing was pushed:",
            *(f"  - {why}" for why in report.gate.reasons),
        ]
    if report.outcome is Outcome.STOPPED:
        return ["the run was stopped; start it again, and what was finished comes from the cache"]
    return [f"the run failed: {report.error}"]


def _models(report: Report) -> Table:
    table = Table(title=f"task {report.task}, test split")
    for name in ("model", "accuracy", "weights", "bytes", "p50", "p99"):
        table.add_column(name, justify="left" if name == "model" else "right", no_wrap=True)
    for name, model in report.models.items():
        accuracy = model.metrics["accuracy"]
        table.add_row(
            name,
            "undefined" if accuracy is None else f"{accuracy:.2%}",
            f"{model.parameters:,}",
            f"{model.bytes:,}",
            f"{model.latency_ms_p50:.3f} ms",
            f"{model.latency_ms_p99:.3f} ms",
        )
    return table

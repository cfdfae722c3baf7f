"""The short form of the report, for the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from limbeck.counted import counted
from limbeck.report import gain, proof
from limbeck.report.models_table import models_table
from limbeck.report.schema import Outcome, Report


def show(report: Report, page: Path, log: Path, tensorboard: str | None = None) -> None:
    """Prints models, each process's work, what distillation did, the verdict, what to try, and where to look.

    Args:
      report: report of the run.
      page: path of the report's page.
      log: path of the run's log.
      tensorboard: command that shows the training curves.
    """
    from limbeck.report.advice import advice

    console = Console(highlight=False)
    if report.models:
        console.print(models_table(report, console))
    for entry, records in report.training.items():
        for record in records:
            steps, examples = counted(record.steps, "step"), counted(record.examples, "example")
            work = f"{steps}, {examples}, {record.seconds:.0f} s"
            if record.idle_share is not None:
                work += f", devices idle {100 * record.idle_share:.0f} %"
            console.print(f"{entry} {record.role} (rank {record.rank}): {work}", markup=False, soft_wrap=True)
    lines = [*distillation(report), *verdict(report)]
    if report.outcome is Outcome.REFUSED:
        lines += ["what to try next:", *(f"  - {text.replace('`', '')}" for text in advice(report))]
    for line in [*lines, f"report: {page}"]:
        console.print(line, markup=False, soft_wrap=True)
    if report.outcome is Outcome.FAILED:
        console.print(f"log: {log}", markup=False, soft_wrap=True)
    if tensorboard is not None:
        console.print(f"training curves: {tensorboard}", markup=False, soft_wrap=True)


def distillation(report: Report) -> list[str]:
    """Returns how near the teacher is, what distillation did, and how often the test split was looked at.

    It leaves out what is unknown.
    """
    known = (
        proof.proof_words(report),
        gain.gap_words(report),
        gain.helped_words(report),
        *(proof.seeds_words(report) if report.across_seeds is not None else ()),
        proof.looks_words(report),
    )
    return [words.replace("\u00a0", " ") for words in known if words]


def verdict(report: Report) -> list[str]:
    """Returns how the run ended, and why, in plain words."""
    if report.outcome is Outcome.PUSHED:
        return [f"the student passed its gate and is served from {report.serving}"]
    if report.outcome is Outcome.PASSED:
        return ["the student passed its gate"]
    if report.outcome is Outcome.REFUSED and report.gate is not None:
        return [
            "the gate refused the student; nothing was pushed:",
            *(f"  - {why}" for why in report.gate.reasons),
        ]
    if report.outcome is Outcome.STOPPED:
        return ["the run was stopped; start it again, and what was finished comes from the cache"]
    return [f"the run failed: {report.error}"]

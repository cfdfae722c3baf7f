"""The table of the models in windows of many widths."""

from __future__ import annotations

import dataclasses
import re

import pytest
from rich.console import Console

from limbeck.models import HARD_LABELS, PSEUDO_LABELS, STUDENT, TEACHER
from limbeck.report.models_table import models_table
from limbeck.report.schema import ModelReport, Report
from tests.report import sample_report

NAMES = (TEACHER, STUDENT, HARD_LABELS, PSEUDO_LABELS)
LARGE = ModelReport({"accuracy": 0.9, "log_loss": 0.3}, 1_234_567_890, 4_938_271_560, 1234.5, 2345.25, 250)


def shown(report: Report, width: int) -> list[str]:
    """The lines that a terminal of this width shows."""
    console = Console(width=width, highlight=False)
    with console.capture() as captured:
        console.print(models_table(report, console))
    return captured.get().splitlines()


def cells(lines: list[str]) -> list[str]:
    """The words between runs of spaces."""
    return [cell for line in lines for cell in re.split(r"\s{2,}", line.strip()) if cell]


def with_large_teacher(report: Report) -> Report:
    return dataclasses.replace(report, models=report.models | {TEACHER: LARGE})


@pytest.mark.parametrize("width", [80, 100, 200])
def test_names_are_whole_and_each_model_is_one_line(width: int):
    lines = shown(sample_report.whole(), width)
    for name in NAMES:
        [line] = [line for line in lines if line.strip().split(" ")[0] == name]
        assert len(line.split()) == 6
    assert max(map(len, lines)) <= width


def test_in_a_narrow_window_names_are_broken_at_an_underscore_alone():
    lines = shown(sample_report.whole(), 60)
    assert max(map(len, lines)) <= 60
    found = cells(lines)
    assert {TEACHER, STUDENT, "student_", "hard_labels", "pseudo_labels"} <= set(found)
    assert "71,322" in found


@pytest.mark.parametrize("width", [20, 40, 60, 80])
def test_no_figure_is_cut(width: int):
    report = with_large_teacher(sample_report.whole())
    text = "\n".join(shown(report, width))
    assert "…" not in text
    for figure in ("1,234,567,890", "4,938,271,560", "1234.500", "2345.250"):
        assert figure in text
    if width < 60:
        assert PSEUDO_LABELS in text.replace("\n", "") or width < len(PSEUDO_LABELS)


def test_a_name_with_brackets_is_no_markup():
    report = dataclasses.replace(sample_report.whole(), task="[bold]shapes[/bold]")
    assert "task [bold]shapes[/bold], test split" in " ".join(" ".join(shown(report, 100)).split())

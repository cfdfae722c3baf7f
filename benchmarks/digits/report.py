"""Writes the figures as Markdown. README.md shows what this module wrote."""

from __future__ import annotations

import dataclasses
import datetime
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks.digits.results import Result
from benchmarks.digits.significance import Bootstrap, Difference, Gap, Right, difference
from benchmarks.digits.tuning import Trials
from benchmarks.digits.variants import HARD, VARIANTS, Setting
from limbeck.launchers.local.environment import cores
from limbeck.models import TEACHER
from limbeck.report.verdicts import Interval

_PACKAGES = ("tensorflow", "tf-keras", "tfx", "numpy")


@dataclasses.dataclass(frozen=True)
class ResultRow:
    """A row of the tables: a model, the setting that it was trained with, and its result in each run."""

    name: str
    title: str
    setting: str
    results: tuple[Result, ...]

    @property
    def right(self) -> Right:
        """Which test images each run predicts right: bool `[runs, images]`."""
        return np.array([[letter == "1" for letter in result.test_right] for result in self.results])


def write(
    rows: Sequence[ResultRow], students: Sequence[str], controls: Sequence[str], trials: Mapping[str, Trials]
) -> str:
    """Returns the figures of all models.

    Args:
      rows: all models, including the teachers and the student on hard labels.
      students: names of the distilled models.
      controls: names of the models that they are compared with, in addition to the teachers.
      trials: the trials of each variant, by its name.
    """
    right = {row.name: row.right for row in rows}
    title = {row.name: row.title for row in rows}
    drawn = Bootstrap.of(right)
    others = (*controls, TEACHER)
    differences = [(one, other, difference(right, drawn, one, other)) for one in students for other in others]
    recovering = [name for name in (*students, *controls) if name != HARD.name]
    gaps = {title[name]: drawn.gap_recovered(name, HARD.name, TEACHER) for name in recovering}
    return "\n\n".join(
        [
            _quality(rows),
            _pseudo_labels(rows),
            _gaps(gaps),
            _differences([(title[one], title[other], found) for one, other, found in differences]),
            _tuning(trials),
        ]
    )


def conditions(results: Sequence[Result], finished: datetime.date) -> str:
    """Returns where and when the figures were made, from all their results and from the day of the last result."""
    seconds = sum(result.seconds for result in results)
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{finished.isoformat()}, {_processor()}, {cores()} cores, Python {platform.python_version()}, {versions}. "
        f"{len(results)} trainings: {seconds / 60:.0f} minutes of jobs, one a core."
    )


def _quality(rows: Sequence[ResultRow]) -> str:
    def line(row: ResultRow) -> list[str]:
        tests = [one.test for one in row.results if one.test is not None]
        return [
            row.title,
            row.setting,
            _spread([100 * one.validation.accuracy for one in row.results], 1),
            _spread([100 * one.accuracy for one in tests], 1),
            _spread([one.log_loss for one in tests], 3),
        ]

    return _table(
        ["model", "setting", "validation accuracy, %", "test accuracy, %", "test log loss, nats"], map(line, rows)
    )


def _pseudo_labels(rows: Sequence[ResultRow]) -> str:
    right = [100 * one.train.accuracy for row in rows for one in row.results if one.train is not None]
    return (
        f"The teachers' pseudo-labels are right for {_spread(right, 2)} % of the training examples, "
        f"and in no run for less than {min(right):.2f} %."
    )


def _gaps(gaps: Mapping[str, Gap]) -> str:
    def line(title: str, gap: Gap) -> list[str]:
        each = gap.each
        return [
            title,
            f"{gap.over_runs.value:.2f}",
            _ends(gap.over_runs),
            _ends(gap.over_images),
            f"{_spread(each, 2)} ({min(each):.2f} to {max(each):.2f})",
        ]

    heads = ["gap recovered", "of the mean accuracies", "95 % over seeds", "95 % over images", "each seed (range)"]
    return _table(heads, [line(*one) for one in gaps.items()])


def _differences(found: Iterable[tuple[str, str, Difference]]) -> str:
    def line(student: str, control: str, one: Difference) -> list[str]:
        return [
            f"{student} − {control}",
            f"{100 * one.value:+.2f}",
            f"{one.better} / {one.equal} / {one.worse}",
            f"{one.p_value:.3f}",
            _ends(one.over_images, scale=100, sign="+"),
        ]

    heads = ["difference in test accuracy", "points", "seeds better / equal / worse", "p over seeds"]
    return _table([*heads, "95 % over images"], [line(*one) for one in found])


def _tuning(trials: Mapping[str, Trials]) -> str:
    columns = [
        (variant, temperature)
        for variant in VARIANTS
        for temperature in dict.fromkeys(setting.temperature for setting in trials[variant.name])
    ]
    rates = sorted({setting.learning_rate for tried in trials.values() for setting in tried})

    def cell(name: str, setting: Setting) -> str:
        tried = trials[name].get(setting)
        return f"{100 * tried.accuracy:.1f} ({tried.log_loss:.3f})" if tried else ""

    lines = [
        [f"{rate:g}", *(cell(variant.name, Setting(rate, temperature)) for variant, temperature in columns)]
        for rate in rates
    ]
    heads = [
        variant.title + (f", temperature {temperature:g}" if temperature else "")
        for variant, temperature in columns
    ]
    return _table(["learning rate", *heads], lines)


def _table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in (heads, ["---"] * len(heads), *lines))


def _spread(values: Iterable[float], digits: int) -> str:
    numbers = np.array(list(values))
    mean = f"{numbers.mean():.{digits}f}"
    return mean if len(numbers) == 1 else f"{mean} ± {numbers.std(ddof=1):.{digits}f}"


def _ends(found: Interval, scale: float = 1, sign: str = "") -> str:
    return f"{scale * (found.low or 0.0):{sign}.2f} to {scale * (found.high or 0.0):{sign}.2f}"


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())

"""Runs the whole benchmark: teachers, tuning, choice of settings, final trainings, figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from benchmarks.digits import report
from benchmarks.digits.cores import one_a_core
from benchmarks.digits.plan import Plan, Training
from benchmarks.digits.results import Result, Results
from benchmarks.digits.training_runner import Trained, TrainingRunner
from benchmarks.digits.tuning import Trial, Trials, best
from benchmarks.digits.variants import CONTROLS, DISTILLED, VARIANTS, Setting, Variant
from limbeck.models import TEACHER

_SHIPPED = "student_shipped"


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """Runs the trainings of a plan, and keeps their results in a file.

    Attributes:
      plan: the trainings.
      runner: trains and scores.
      results: the results of finished trainings.
      announce: called at the start of a phase, with its name and the number of its unfinished trainings.
      advance: called after each training that was not finished before.
    """

    plan: Plan
    runner: TrainingRunner
    results: Results
    announce: Callable[[str, int], None]
    advance: Callable[[Result], None]

    def run(self) -> str:
        """Runs every unfinished training. Returns the figures as Markdown."""
        self.runner.prepare()
        self._do("teachers", self.plan.all_teachers())
        self._do("tuning", self.plan.tuning())
        trials = {variant.name: self._trials(variant) for variant in VARIANTS}
        lines = self._lines({variant: best(trials[variant.name]) for variant in VARIANTS})
        students = [one for line in lines for one in line.trainings if one.model != TEACHER]
        self._do("final", students)
        figures = report.write(
            [line.row(self.results) for line in lines],
            students=[line.name for line in lines if line.name in (DISTILLED.name, _SHIPPED)],
            controls=[variant.name for variant in CONTROLS],
            trials=trials,
        )
        everything = [self.results[one] for one in (*self.plan.all_teachers(), *self.plan.tuning(), *students)]
        return f"{figures}\n\n{report.conditions(everything, self.results.changed)}\n"

    def _do(self, phase: str, trainings: Sequence[Training]) -> None:
        left = [one for one in trainings if one not in self.results]
        self.announce(phase, len(left))

        def finish(trained: Trained) -> None:
            result = self.runner.score(trained)
            self.results.add(result)
            self.advance(result)

        one_a_core(left, self.runner.launch, finish)

    def _trials(self, variant: Variant) -> Trials:
        def tried(setting: Setting) -> Trial:
            trainings = [self.plan.student(variant, setting, run) for run in self.plan.tuning_runs]
            return Trial.of([self.results[one].validation for one in trainings])

        return {setting: tried(setting) for setting in self.plan.grid(variant)}

    def _lines(self, chosen: Mapping[Variant, Setting]) -> list[_Line]:
        plan = self.plan
        count, rate = plan.config.teachers.count, plan.config.training.learning_rate
        lines = [
            _Line(
                TEACHER, f"teachers, {count} together", str(Setting(rate)), tuple(map(plan.teachers, plan.runs))
            ),
            *(self._line(variant.name, variant.title, variant, setting) for variant, setting in chosen.items()),
        ]
        if chosen[DISTILLED] != plan.shipped:
            lines.append(self._line(_SHIPPED, f"{DISTILLED.title}, as shipped", DISTILLED, plan.shipped))
        return lines

    def _line(self, name: str, title: str, variant: Variant, setting: Setting) -> _Line:
        trainings = tuple(self.plan.student(variant, setting, run) for run in self.plan.runs)
        return _Line(name, title, str(setting), trainings)


@dataclasses.dataclass(frozen=True)
class _Line:
    name: str
    title: str
    setting: str
    trainings: tuple[Training, ...]

    def row(self, results: Results) -> report.ResultRow:
        return report.ResultRow(self.name, self.title, self.setting, tuple(results[one] for one in self.trainings))

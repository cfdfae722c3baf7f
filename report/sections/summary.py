"""Section: the verdict, and the most important figures, for readers who stop here."""

from __future__ import annotations

import dataclasses

from markupsafe import Markup

from limbeck.models import HARD_LABELS, TEACHER, shipped
from limbeck.report import figures
from limbeck.report.charts import intervals
from limbeck.report.gain import Gain, gain, gap_shown, no_gap_words
from limbeck.report.names import full
from limbeck.report.schema import ModelReport, Outcome, Report, judged_on, measured
from limbeck.report.terminal import verdict

_HEADLINES = {
    Outcome.PUSHED: ("✓", "Pushed: the student is fit to serve"),
    Outcome.PASSED: ("✓", "Passed: the student is fit to serve"),
    Outcome.REFUSED: ("✕", "Refused: the student is not fit to serve"),
    Outcome.FAILED: ("!", "Failed: the run broke off"),
    Outcome.STOPPED: ("■", "Stopped: the run was ended from outside"),
}
_GAINS = {Gain.HELPED: ("Yes", "good"), Gain.NOT_SHOWN: ("Not shown", "open"), Gain.HURT: ("No, it hurt", "bad")}


@dataclasses.dataclass(frozen=True)
class Tile:
    """One figure.

    Attributes:
      name: what the figure is.
      value: the figure.
      note: what it is compared with.
      tone: `good`, `open` or `bad` if it is a verdict. The words also say so.
      picture: a chart below it.
    """

    name: str
    value: str
    note: str
    tone: str = ""
    picture: Markup | None = None


@dataclasses.dataclass(frozen=True)
class Summary:
    """The top of the page; `reasons` are the gate's."""

    mark: str
    headline: str
    sentence: str
    reasons: tuple[str, ...]
    tiles: tuple[Tile, ...]


def view(report: Report) -> Summary:
    """Returns the section, for any report."""
    mark, headline = _HEADLINES[report.outcome]
    reasons = report.gate.reasons if report.gate and report.outcome is Outcome.REFUSED else ()
    sentence = verdict(report)[0]
    found = (*_models(report), _gap(report), _helped(report))
    return Summary(mark, headline, _capital(sentence), reasons, tuple(tile for tile in found if tile))


def _models(report: Report) -> tuple[Tile | None, ...]:
    name = shipped(report.models)
    student, teacher = report.models.get(name), report.models.get(TEACHER)
    if student is None:
        return ()
    if teacher is None:
        shown = figures.measured(measured(report, name), report.measure)
        return (Tile(report.measure.title, shown, f"{full(name)}, on the test split{_over(report)}"),)
    return (_measure(report), _size(student, teacher), _latency(student, teacher))


def _measure(report: Report) -> Tile:
    name = shipped(report.models)
    measure, mine, theirs = report.measure, measured(report, name), measured(report, TEACHER)
    if mine is None or theirs is None:
        note = f"of the {full(name)}; teacher {figures.measured(theirs, measure)}"
    else:
        side = "above" if mine > theirs else "below"
        apart = figures.measured_distance(mine - theirs, measure)
        note = f"{apart} {side} the teacher’s {figures.measured(theirs, measure)}{_worst(report)}{_over(report)}"
    return Tile(measure.title, figures.measured(mine, measure), note)


def _worst(report: Report) -> str:
    """Returns how much worse the student may be by the gate's test: `; 95 % sure: at most 2.1 points worse`."""
    found = report.against_teacher
    if found is None or found.low is None:
        return ""
    side = "at least {} better" if found.low > 0 else "at most {} worse"
    return f"; 95\u00a0% sure: {side.format(figures.measured_distance(found.low, report.measure))}"


def _over(report: Report) -> str:
    examples = judged_on(report)
    return "" if examples is None else f"; {figures.plural(examples, 'labelled test example')}"


def _size(student: ModelReport, teacher: ModelReport) -> Tile | None:
    note = f"{figures.size(student.bytes)} instead of {figures.size(teacher.bytes)}"
    return _ratio("Size", teacher.bytes, student.bytes, ("smaller", "larger"), note)


def _latency(student: ModelReport, teacher: ModelReport) -> Tile | None:
    mine, theirs = student.latency_ms_p50, teacher.latency_ms_p50
    note = f"median {figures.milliseconds(mine)} instead of {figures.milliseconds(theirs)}"
    return _ratio("Latency", theirs, mine, ("faster", "slower"), note)


def _ratio(name: str, teacher: float, student: float, words: tuple[str, str], note: str) -> Tile | None:
    if min(teacher, student) <= 0:
        return None
    better, worse = words
    if teacher >= student:
        return Tile(name, f"{figures.times(teacher / student)} {better}", note)
    return Tile(name, f"{figures.times(student / teacher)} {worse}", note, "bad")


def _gap(report: Report) -> Tile | None:
    if report.gap_recovered is None:
        return None
    name, gap = "Gap recovered", gap_shown(report)
    if gap is None:
        return Tile(name, "No gap to recover", no_gap_words(report), "open")
    value, ends = figures.percent(gap.value, 0), f"95 % interval {figures.percent_range(gap)}"
    marks = (0.0, 1.0)
    words = f"{value}, {ends}; the ends are 0 % and 100 %"
    drawn = intervals.interval_chart(
        "gap", ("Gap recovered, with its interval", words), gap, intervals.span([gap], marks), marks
    )
    return Tile(name, value, f"from hard labels to teacher; {ends}", picture=drawn)


def _helped(report: Report) -> Tile | None:
    said, helped = gain(report), report.distillation_helped
    if said is None or helped is None:
        return None
    value, tone = _GAINS[said]
    against = report.against.get(HARD_LABELS)
    known = against.difference.value if against else None
    beside = (
        f"{figures.measured_difference(known, report.measure)} beside hard labels"
        if known is not None
        else "beside hard labels"
    )
    explained = {
        Gain.HELPED: "more than chance explains",
        Gain.NOT_SHOWN: "chance alone may explain it",
        Gain.HURT: "worse than chance explains",
    }
    return Tile(
        "Did distillation help?", value, f"{beside}; {explained[said]} ({figures.p_value(helped.p_value)})", tone
    )


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]

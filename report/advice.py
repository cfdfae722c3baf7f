"""Suggests what to try next, from the facts of a run.

If a student is refused, the reader has a reason and dozens of settings. This module maps reasons to settings. Each
suggestion names settings as `--set` takes them, with values derived from those of the run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator

from limbeck.models import COMPRESSED, HARD_LABELS, PSEUDO_LABELS, STUDENT, TEACHER, shipped
from limbeck.report import figures
from limbeck.report.chosen import distillation
from limbeck.report.gain import Gain, gain, reading
from limbeck.report.names import full
from limbeck.report.schema import Outcome, Report, measured
from limbeck.report.sections import slices
from limbeck.report.sections.calibration import leaning

_BYTES_OF_A_WEIGHT = 4
_BADLY_CALIBRATED = 0.05
_ENOUGH_TEACHERS = 3
_USUAL_ALPHA = 0.9
_HIGH_TEMPERATURE = 2.0
_NOT_FINITE = re.compile(r"\bnan\b|not finite|\binf\b|infinite", re.IGNORECASE)
_NO_MEMORY = re.compile(r"out of memory|OOM|SIGKILL|MemoryError|ResourceExhausted", re.IGNORECASE)


def advice(report: Report) -> tuple[str, ...]:
    """Returns suggestions, the most pressing first. Settings stand between backquotes."""
    rules: tuple[Callable[[Report], Iterator[str]], ...]
    if report.outcome is Outcome.FAILED:
        rules = (_failed,)
    elif report.outcome is Outcome.STOPPED:
        rules = (_stopped,)
    else:
        rules = (_undefined, _quality, _size, _latency, _gain, _pseudo, _gap, _calibration, _slice, _room)
    texts = tuple(text for rule in rules for text in rule(report))
    # Someone's pipeline has no command line of ours; its settings are those of a `Config`.
    return tuple(text.replace("--set ", "") for text in texts) if report.given_teacher else texts


def _failed(report: Report) -> Iterator[str]:
    error, training = report.error or "", report.config.training
    if _NOT_FINITE.search(error):
        yield f"figures that are not finite: take smaller steps ({_lower_rate(report)}), and look for extreme inputs"
    if _NO_MEMORY.search(error) and training.batch_size > 1:
        yield f"memory may have run out: take smaller batches ({_set('training.batch_size', training.batch_size // 2)})"
    yield "read the end of logs/run.log in the folder of the run: all that its libraries had to say is there"
    yield "then start the same command again: what was finished comes from the cache"


def _stopped(report: Report) -> Iterator[str]:
    yield "start the same command again: what was finished comes from the cache"


def _undefined(report: Report) -> Iterator[str]:
    without = [full(name) for name in report.models if measured(report, name) is None]
    if without:
        needed = report.wording.needed
        yield (
            f"{report.measure.name} is undefined ({', '.join(without)}): give the test split {needed}. If it has them, "
            f"a model returned figures that are not finite: take smaller steps ({_lower_rate(report)})"
        )


def _quality(report: Report) -> Iterator[str]:
    lost = _lost(report)
    tolerance = report.config.gate.tolerance
    # Rounded in the same way as in the gate.
    if lost is None or round(lost, 12) <= tolerance:
        yield from _proof(report)
        return
    training = report.config.training
    steps = _set("training.epochs", 2 * training.epochs)
    if report.config.teachers.epochs is None and not report.given_teacher:
        # If it is null, teachers.epochs follows training.epochs, and the teachers need no more steps.
        steps += f" {_set('teachers.epochs', training.epochs)}"
    yield (
        f"the student is {_distance(report, lost)} below its teacher, {_distance(report, tolerance)} are allowed: "
        f"give it more capacity ({_units(report, 2)}), or more steps ({steps})"
    )
    if gain(report) in (None, Gain.HELPED):
        if report.wording.tempered:
            yield f"try another temperature ({_other_temperature(report)})"
        if distillation(report).used_alpha < 1:
            yield f"let it listen to its teachers alone ({_set('distillation.alpha', 1.0)})"


def _proof(report: Report) -> Iterator[str]:
    """Suggests what would prove what the test split cannot."""
    found, tolerance = report.against_teacher, report.config.gate.tolerance
    if found is None or found.low is None or found.shows(tolerance, report.measure):
        return
    enough = found.enough(tolerance)
    if enough is not None:
        yield (
            f"the student may be within {_distance(report, tolerance)} of its teacher, and "
            f"{figures.plural(found.examples, 'labelled test example')} are too few to prove it: give the test split "
            f"about {enough:,}"
        )
    allowed = _set("gate.tolerance", _rounded_up(-found.low))
    yield f"these test examples prove that the student is within a larger tolerance ({allowed}), if that is good enough"


def _rounded_up(tolerance: float) -> float:
    """Returns a tolerance with two digits that is not below the given one."""
    unit = 10.0 ** (math.floor(math.log10(tolerance)) - 1)
    return float(f"{math.ceil(round(tolerance / unit, 9)) * unit:.2g}")


def _size(report: Report) -> Iterator[str]:
    student, most = report.models.get(shipped(report.models)), report.config.gate.max_bytes
    if student is None or most is None or student.bytes <= most:
        return
    weights = _BYTES_OF_A_WEIGHT * student.parameters
    if COMPRESSED not in report.models and student.bytes - weights > most:
        yield (
            f"only {figures.size(weights)} of the student's {figures.size(student.bytes)} are weights, the rest is the "
            f"graph with its preprocessing: simplify that, or allow more ({_set('gate.max_bytes', student.bytes)})"
        )
    else:
        ratio = figures.times(student.bytes / most)
        yield f"the student is {ratio} the size allowed: make it smaller ({_units(report, 0.5)})"


def _latency(report: Report) -> Iterator[str]:
    student, most = report.models.get(shipped(report.models)), report.config.gate.max_latency_ms
    if student is None or most is None or student.latency_ms_p50 <= most:
        return
    ratio = figures.times(student.latency_ms_p50 / most)
    text = (
        f"a call takes {ratio} the time allowed: a student with fewer layers is faster, "
        f"then one with fewer units ({_units(report, 0.5)})"
    )
    teacher = report.models.get(TEACHER)
    if teacher is not None and teacher.latency_ms_p50 < 2 * student.latency_ms_p50:
        text += "; the teacher is hardly slower, so most of it may be preprocessing"
    yield text


def _gain(report: Report) -> Iterator[str]:
    said, config = gain(report), report.config
    if said is None:
        if STUDENT in report.models and not config.controls:
            yield f"whether distillation helped is unknown: train the controls too ({_set('controls', 'true')})"
        return
    alpha = distillation(report).used_alpha
    if alpha == 0:
        yield f"the student did not listen to its teachers at all ({_set('distillation.alpha', _USUAL_ALPHA)} lets it)"
    elif said is not Gain.HELPED:
        did = "did worse than" if said is Gain.HURT else "was not shown to do better than"
        yield (
            f"the distilled student {did} the same one on hard labels: try another {_temperature_or(report)}share of "
            f"the soft targets ({_other_alpha(alpha)}), "
            f"or ship the one on hard labels ({_set('distillation.alpha', 0.0)})"
        )
        where = "your ExampleGen reads" if report.given_teacher else "`data.path` names"
        yield f"soft targets pay most on examples without labels: add more of them to the data that {where}"
    if config.gate.require_gain and said is not Gain.HELPED:
        lenient = _set("gate.require_gain", "false")
        yield f"this gate demands a gain: a student that is good enough without one passes with {lenient}"


def _pseudo(report: Report) -> Iterator[str]:
    against = report.against.get(PSEUDO_LABELS)
    if against is None or gain(report) is not Gain.HELPED or reading(against) == "better":
        return
    did = "did better" if reading(against) == "worse" else "did as well"
    words = report.wording
    text = (
        f"{words.pseudo_labels} alone {did}: the gain comes from examples without labels rather than from "
        f"{words.soft_targets}"
    )
    if words.tempered:
        text += f"; another temperature may make more of those ({_other_temperature(report)})"
    yield text


def _gap(report: Report) -> Iterator[str]:
    if report.gap_recovered is None or report.gap_recovered.value is not None or HARD_LABELS not in report.models:
        return
    if report.given_teacher:
        yield (
            "your model is not better than the student on hard labels, so it has nothing to teach: the student on hard "
            f"labels is as good ({_set('distillation.alpha', 0.0)}), or train a better model"
        )
        return
    teachers = report.config.teachers
    epochs = 2 * (teachers.epochs or report.config.training.epochs)
    yield (
        "the teacher is not better than the student on hard labels, so it has nothing to teach: strengthen it, "
        f"with more members ({_set('teachers.count', teachers.count + 2)}) or steps ({_set('teachers.epochs', epochs)})"
    )


def _calibration(report: Report) -> Iterator[str]:
    known = report.findings.reliability if report.findings else {}
    student, teacher = known.get(STUDENT), known.get(TEACHER)
    if student is None or teacher is None or not student.bins or not teacher.bins:
        return
    mine, theirs = student.expected_calibration_error, teacher.expected_calibration_error
    errors = f"expected calibration error {figures.percent(mine)}, teacher {figures.percent(theirs)}"
    if mine - theirs > _BADLY_CALIBRATED:
        lean = "surer" if leaning(student) > 0 else "less sure"
        yield (
            f"the student's probabilities are {lean} than they should be ({errors}): try another temperature "
            f"({_other_temperature(report)})"
        )
    elif theirs - mine > _BADLY_CALIBRATED and not report.given_teacher:
        count = report.config.teachers.count
        more = max(count + 2, _ENOUGH_TEACHERS)
        yield (
            f"the student's probabilities are better than its teacher's ({errors}); "
            f"more teachers even theirs out ({_set('teachers.count', more)})"
        )


def _slice(report: Report) -> Iterator[str]:
    lost = _lost(report) or 0.0
    known = report.findings.slices if report.findings else ()
    far = report.config.gate.tolerance if report.wording.far_behind is None else report.wording.far_behind
    for one in slices.worst_first(tuple(part for part in known if part.features)):
        if one.difference is not None and not one.few and -one.difference > max(lost, 0.0) + far:
            yield (
                f"the slice {one.name} is {_distance(report, one.difference)} behind the teacher, far more than the "
                f"whole: add examples like these to the data, or give the student more capacity ({_units(report, 2)})"
            )
            return


def _standing(report: Report, lost: float) -> str:
    return f"{_distance(report, lost)} below" if lost > 0 else "not below it"


def _room(report: Report) -> Iterator[str]:
    lost, found = _lost(report), report.against_teacher
    surely = lost if found is None or found.low is None else -found.low
    fit = report.outcome in (Outcome.PUSHED, Outcome.PASSED)
    if fit and lost is not None and surely is not None and surely < report.config.gate.tolerance / 2:
        yield (
            f"there is room: {_distance(report, report.config.gate.tolerance)} below the teacher are allowed, and this "
            f"student is {_standing(report, lost)}; a smaller one may do ({_units(report, 0.5)})"
        )


def _lost(report: Report) -> float | None:
    student, teacher = (measured(report, name) for name in (shipped(report.models), TEACHER))
    return None if student is None or teacher is None else teacher - student


def _distance(report: Report, difference: float) -> str:
    return figures.measured_distance(difference, report.measure)


def _lower_rate(report: Report) -> str:
    return _set("training.learning_rate", report.config.training.learning_rate / 10)


def _temperature_or(report: Report) -> str:
    return f"temperature ({_other_temperature(report)}) or " if report.wording.tempered else ""


def _other_temperature(report: Report) -> str:
    """Returns half the temperature if it is high, or if pseudo-labels do better than it; otherwise twice."""
    temperature = distillation(report).used_temperature
    against = report.against.get(PSEUDO_LABELS)
    sharper = against is not None and reading(against) == "worse"
    halved = temperature > _HIGH_TEMPERATURE or sharper
    return _set("distillation.temperature", temperature / 2 if halved else 2 * temperature)


def _other_alpha(alpha: float) -> str:
    return _set("distillation.alpha", 0.5 if alpha >= _USUAL_ALPHA else _USUAL_ALPHA)


def _units(report: Report, factor: float) -> str:
    """Returns the student's first integer hyperparameter times `factor`; an example if none is set."""
    for name, value in report.config.student.hyperparameters.items():
        if isinstance(value, int) and not isinstance(value, bool) and value * factor >= 1 and name.isidentifier():
            return _set(f"student.hyperparameters.{name}", int(value * factor))
    return (
        f"as in {_set('student.hyperparameters.units', 64 if factor > 1 else 16)} where its builder reads `units`"
    )


def _set(name: str, value: float | str) -> str:
    return f"`--set {name}={value:g}`" if isinstance(value, float) and value % 1 else f"`--set {name}={value}`"

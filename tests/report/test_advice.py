"""Advice that bears on the facts, in settings that the program takes."""

import dataclasses
import itertools
import json
import re

import pytest

from limbeck import records
from limbeck.models import HARD_LABELS, PSEUDO_LABELS
from limbeck.objectives.measure import Measure
from limbeck.objectives.wording import Wording
from limbeck.report.advice import advice
from limbeck.report.findings import Findings, Reliability, ReliabilityBin, Slice
from limbeck.report.schema import ModelReport, Outcome, Report
from limbeck.report.verdicts import Comparison, Helped, Interval, NonInferiority
from limbeck.settings import sources
from limbeck.settings.config import Config
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.gate import GateConfig
from limbeck.settings.student import StudentConfig
from limbeck.settings.teachers import TeachersConfig
from limbeck.settings.training import TrainingConfig
from tests.report import sample_report

SETTING = re.compile(r"--set ([^\s`]+)")
# Passed, helped, and just good enough: nothing to be said.
QUIET = dataclasses.replace(
    sample_report.whole(),
    config=Config(gate=GateConfig(tolerance=0.03)),
    against={HARD_LABELS: Comparison(Interval(0.076, 0.044, 0.112), 0.0)},
    against_teacher=NonInferiority(-0.02, -0.024, 250),
    findings=None,
)
REFUSED = dataclasses.replace(QUIET, outcome=Outcome.REFUSED)
NOT_SHOWN = Comparison(Interval(0.01, -0.02, 0.04), 0.4)
WORSE = Comparison(Interval(-0.07, -0.1, -0.04), 0.001)


def settings(report: Report) -> list[str]:
    """All that is advised, as `key=value`."""
    return [setting for text in advice(report) for setting in SETTING.findall(text)]


def student(report: Report, **changes: object) -> Report:
    """The report with a student of other figures."""
    return dataclasses.replace(
        report, models=report.models | {"student": dataclasses.replace(report.models["student"], **changes)}
    )


def accuracy(report: Report, value: float | None) -> Report:
    return student(report, metrics={"accuracy": value, "log_loss": None})


def gate(report: Report, **limits: object) -> Report:
    return dataclasses.replace(report, config=dataclasses.replace(report.config, gate=GateConfig(**limits)))


def reliability(error: float, confidence: float) -> Reliability:
    return Reliability((ReliabilityBin(0.5, 1.0, 100, confidence, 0.8),), error)


def test_a_good_run_needs_no_advice():
    assert advice(QUIET) == ()


def test_a_student_that_is_not_good_enough_needs_more_of_everything():
    report = dataclasses.replace(
        accuracy(REFUSED, 0.9),
        config=Config(
            training=TrainingConfig(epochs=20),
            student=StudentConfig(hyperparameters={"activation": "relu", "units": 32}),
            distillation=DistillationConfig(temperature=4.0, alpha=0.9),
        ),
    )

    assert settings(report) == [
        "student.hyperparameters.units=64",
        "training.epochs=40",
        "teachers.epochs=20",
        "distillation.temperature=2.0",
        "distillation.alpha=1.0",
    ]
    assert "9.2\u00a0points below its teacher, 5.0\u00a0points are allowed" in advice(report)[0]


def test_teachers_with_epochs_of_their_own_keep_them():
    report = dataclasses.replace(accuracy(REFUSED, 0.9), config=Config(teachers=TeachersConfig(epochs=5)))

    assert not any(setting.startswith("teachers.epochs") for setting in settings(report))


def test_a_loss_that_equals_the_tolerance_is_within_it():
    models = REFUSED.models | {"teacher": ModelReport({"accuracy": 0.9, "log_loss": 0.1}, 1, 1, 1.0, 1.0)}
    report = accuracy(gate(dataclasses.replace(REFUSED, models=models), tolerance=0.05), 0.85)

    # In binary 0.9 - 0.85 > 0.05.
    assert settings(report) == []


def test_a_test_split_that_is_too_small_needs_more_examples_or_a_larger_tolerance():
    few = dataclasses.replace(REFUSED, against_teacher=NonInferiority(-0.02, -0.0712, 50))

    more, larger = advice(gate(few, tolerance=0.05))

    assert more == (
        "the student may be within 5.0\u00a0points of its teacher, and 50\u00a0labelled test examples are too few to "
        "prove it: give the test split about 340"
    )
    assert SETTING.findall(larger) == ["gate.tolerance=0.072"]
    assert settings(gate(few, tolerance=0.072)) == []
    # The advice of a difference that is itself too large is another.
    assert settings(gate(few, tolerance=0.01))[:2] == ["student.hyperparameters.units=64", "training.epochs=20"]


@pytest.mark.parametrize("low", [-0.05, -0.0712, -0.1, -0.30000000000000004, -0.0999999, -1e-5])
def test_the_tolerance_that_is_advised_is_proven(low: float):
    few = dataclasses.replace(REFUSED, against_teacher=NonInferiority(0.0, low, 50))
    few = accuracy(few, few.models["teacher"].metrics["accuracy"])
    [setting] = settings(gate(few, tolerance=0.0))
    advised = float(setting.partition("=")[2])

    assert few.against_teacher is not None
    assert few.against_teacher.shows(advised, few.measure)
    assert advised <= -1.11 * low


def test_a_student_that_is_surely_near_its_teacher_has_room_and_one_that_may_not_be_has_none():
    unsure = dataclasses.replace(QUIET, against_teacher=NonInferiority(-0.02, -0.0405, 250))

    assert settings(gate(QUIET, tolerance=0.05)) == ["student.hyperparameters.units=16"]
    assert settings(gate(unsure, tolerance=0.05)) == []


def test_a_student_that_is_too_large_is_made_smaller_where_weights_are_what_is_large():
    heavy = student(gate(REFUSED, max_bytes=50_000), bytes=90_000, parameters=20_000)
    light = student(gate(REFUSED, max_bytes=50_000), bytes=90_000, parameters=100)

    assert settings(heavy) == ["student.hyperparameters.units=16"]
    assert settings(light) == ["gate.max_bytes=90000"]
    assert "1.8×" in advice(heavy)[0]


def test_a_student_that_is_too_slow():
    slow = student(gate(REFUSED, max_latency_ms=0.1), latency_ms_p50=0.4)

    assert settings(slow) == ["student.hyperparameters.units=16"]
    assert "4.0×" in advice(slow)[0]
    assert "the teacher is hardly slower" in advice(slow)[0]


@pytest.mark.parametrize("comparison", [NOT_SHOWN, WORSE])
def test_where_distillation_did_not_help_this_is_said_with_what_else_to_do(comparison: Comparison):
    report = dataclasses.replace(
        QUIET, distillation_helped=Helped(False, comparison.p_value), against={HARD_LABELS: comparison}
    )

    first, second = advice(report)

    assert ("did worse" in first) == (comparison is WORSE)
    assert ("not shown to do better" in first) == (comparison is NOT_SHOWN)
    assert settings(report) == ["distillation.temperature=4.0", "distillation.alpha=0.5", "distillation.alpha=0.0"]
    assert "examples without labels" in second


def test_a_student_that_listens_to_no_teacher_is_told_so():
    config = Config(distillation=DistillationConfig(alpha=0.0))
    report = dataclasses.replace(
        QUIET, config=config, distillation_helped=Helped(False, 1.0), against={HARD_LABELS: NOT_SHOWN}
    )

    assert settings(report) == ["distillation.alpha=0.9", "student.hyperparameters.units=16"]


def test_a_gate_that_demands_a_gain_can_be_told_not_to():
    report = dataclasses.replace(
        gate(REFUSED, tolerance=0.03, require_gain=True),
        distillation_helped=Helped(False, 0.4),
        against={HARD_LABELS: NOT_SHOWN},
    )

    assert settings(report)[-1] == "gate.require_gain=false"


@pytest.mark.parametrize(
    ("pseudo", "says", "temperature"), [(NOT_SHOWN, "did as well", "4.0"), (WORSE, "did better", "1.0")]
)
def test_a_gain_that_pseudo_labels_have_too(pseudo: Comparison, says: str, temperature: str):
    report = dataclasses.replace(QUIET, against=QUIET.against | {PSEUDO_LABELS: pseudo})

    assert says in advice(report)[0]
    assert settings(report) == [f"distillation.temperature={temperature}"]


def test_without_controls_nobody_knows():
    report = dataclasses.replace(
        QUIET, distillation_helped=None, against={}, config=dataclasses.replace(QUIET.config, controls=False)
    )

    assert settings(report) == ["controls=true"]


def test_a_teacher_that_is_no_better_has_nothing_to_teach():
    report = dataclasses.replace(QUIET, gap_recovered=Interval(None, None, None))

    assert settings(report) == ["teachers.count=3", "teachers.epochs=20"]
    theirs = dataclasses.replace(report, given_teacher=True)
    assert "`distillation.alpha=0.0`" in advice(theirs)[0]
    assert not any("--set" in text for text in advice(theirs))
    assert "your model is not better than the student on hard labels" in advice(theirs)[0]


def test_calibration_is_mentioned_where_student_and_teacher_lie_far_apart():
    def calibrated(student_error: float, teacher_error: float, confidence: float) -> Report:
        known = {"student": reliability(student_error, confidence), "teacher": reliability(teacher_error, 0.8)}
        return dataclasses.replace(QUIET, findings=Findings((), reliability=known))

    assert settings(calibrated(0.12, 0.02, 0.92)) == ["distillation.temperature=4.0"]
    assert "surer than they should be" in advice(calibrated(0.12, 0.02, 0.92))[0]
    assert "less sure than they should be" in advice(calibrated(0.12, 0.02, 0.68))[0]
    assert settings(calibrated(0.02, 0.12, 0.8)) == ["teachers.count=3"]
    assert settings(calibrated(0.05, 0.02, 0.8)) == []


def test_a_slice_far_behind_is_named_unless_it_is_small():
    def sliced(examples: int, value: float) -> Report:
        one = Slice({"digit": "8"}, examples, {"teacher": 0.98, "student": value})
        return dataclasses.replace(QUIET, findings=Findings((), slices=(one,)))

    assert "the slice digit = 8 is 18.0\u00a0points behind" in advice(sliced(30, 0.8))[0]
    assert settings(sliced(30, 0.8)) == ["student.hyperparameters.units=64"]
    assert advice(sliced(29, 0.8)) == ()
    assert advice(sliced(30, 0.93)) == ()


def test_a_student_with_room_to_spare_may_be_smaller():
    assert settings(gate(QUIET, tolerance=0.05)) == ["student.hyperparameters.units=16"]
    assert settings(gate(REFUSED, tolerance=0.05)) == []


def test_figures_that_are_undefined():
    text, *_ = advice(accuracy(REFUSED, None))

    assert "labels" in text
    assert SETTING.findall(text) == ["training.learning_rate=0.0001"]


@pytest.mark.parametrize(
    ("error", "advised"),
    [
        ("the loss is nan at step 3", ["training.learning_rate=0.0001"]),
        ("a weight is not finite", ["training.learning_rate=0.0001"]),
        ("the financial data is missing", []),
        ("the worker was ended by SIGKILL", ["training.batch_size=32"]),
        ("no reason", []),
    ],
)
def test_a_failed_run_leads_to_its_log(error: str, advised: list[str]):
    report = dataclasses.replace(sample_report.failed(), error=error)

    assert settings(report) == advised
    assert any("logs/run.log" in text for text in advice(report))


def test_a_stopped_run_is_started_again():
    (text,) = advice(dataclasses.replace(sample_report.failed(), outcome=Outcome.STOPPED))

    assert "start the same command again" in text


def test_every_setting_that_is_advised_is_one_and_changes_the_run():
    seen = set()
    for temperature, alpha, units, controls, value, comparison in itertools.product(
        (0.5, 2.0, 7.0), (0.0, 0.5, 1.0), (1, 3, 32), (True, False), (None, 0.5, 0.99), (NOT_SHOWN, WORSE, None)
    ):
        run = Config(
            distillation=DistillationConfig(temperature=temperature, alpha=alpha),
            student=StudentConfig(hyperparameters={"activation": "relu", "deep": True, "units": units}),
            gate=GateConfig(tolerance=0.01, max_bytes=1000, max_latency_ms=0.01, require_gain=controls),
            controls=controls,
        )
        report = dataclasses.replace(
            accuracy(REFUSED, value),
            config=run,
            gap_recovered=Interval(None, None, None),
            distillation_helped=None if comparison is None else Helped(False, comparison.p_value),
            against={} if comparison is None else {HARD_LABELS: comparison, PSEUDO_LABELS: comparison},
        )
        plain = json.loads(records.to_json(run))
        for setting in settings(report):
            seen.add(setting.partition("=")[0])
            assert sources.load([plain, sources.parse_assignment(setting)]) != run, setting
    assert len(seen) >= 8


SQUARED = Measure("negative_squared_error", "negative squared error", "number")


def regression(tolerance: float, lost: float, **changes: object) -> Report:
    """A refused report of an objective without classes, whose student lost so much."""
    report = dataclasses.replace(REFUSED, measure=SQUARED, wording=Wording(), findings=None, **changes)
    report = gate(report, tolerance=tolerance)
    models = {
        name: dataclasses.replace(one, metrics={SQUARED.key: -100.0 - (lost if name == "student" else 0.0)})
        for name, one in report.models.items()
    }
    return dataclasses.replace(report, models=models)


def test_an_objective_without_classes_is_given_no_words_of_classes():
    hurt = regression(20.0, 50.0, distillation_helped=Helped(False, 0.001), against={HARD_LABELS: WORSE})
    gained = regression(
        20.0, 50.0, distillation_helped=Helped(True, 0.001), against=REFUSED.against | {PSEUDO_LABELS: NOT_SHOWN}
    )
    text = " ".join(advice(hurt) + advice(gained))
    assert "the student is 50 below its teacher, 20 are allowed" in text
    assert "try another share of the soft targets" in text
    assert "the teachers' answers alone did as well" in text
    assert not re.search(r"temperature|probab|class|points|accura", text)


@pytest.mark.parametrize(("far_behind", "named"), [(None, False), (5.0, True)])
def test_what_is_far_behind_on_a_slice_is_in_the_unit_of_the_measure(far_behind: float | None, named: bool):
    """It was 0.05 for each measure: of squared errors, every slice was far behind."""
    part = Slice({"colour": "red"}, 100, {"teacher": -100.0, "student": -110.0})
    report = regression(20.0, 0.0)
    report = dataclasses.replace(
        report, findings=Findings(classes=(), slices=(part,)), wording=Wording(far_behind=far_behind)
    )
    assert any(text.startswith("the slice colour") and " is 10 behind" in text for text in advice(report)) is named

"""Reports of made-up runs: pushed and whole, as the digits task leaves it; refused; failed; with the worst of names.

Figures of the first agree with each other: accuracies with confusions, slices and reliability.
"""

import dataclasses
import math

import numpy as np

from limbeck.moved import Moved
from limbeck.rank_record import DeviceSeconds, RankRecord, Traffic
from limbeck.report.findings import (
    Confusion,
    CurvePoint,
    Findings,
    GreyImage,
    Reliability,
    ReliabilityBin,
    Slice,
    SoftTarget,
)
from limbeck.report.schema import VERSION, GateReport, ModelReport, Outcome, Report, Stage
from limbeck.report.verdicts import Comparison, Helped, Interval, NonInferiority
from limbeck.settings.config import Config
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.gate import GateConfig
from limbeck.settings.student import StudentConfig
from limbeck.settings.teachers import TeachersConfig
from limbeck.settings.training import TrainingConfig
from limbeck.trainer.search.record import SearchRecord, SearchTrial

DIGITS = tuple("0123456789")
_EXAMPLES = (24, 26, 25, 27, 24, 26, 25, 24, 23, 26)
# (label, predicted): how many of 250.
_MISTAKES = {
    "teacher": {(8, 1): 1, (3, 9): 1},
    "student": {(8, 1): 3, (3, 9): 1, (9, 8): 1, (1, 8): 1, (5, 9): 1},
    "student_hard_labels": {
        (8, 1): 6, (1, 8): 3, (9, 8): 3, (3, 9): 3, (3, 8): 2, (5, 9): 3, (7, 9): 2, (2, 1): 1, (4, 9): 2, (9, 4): 1
    },
    "student_pseudo_labels": {(8, 1): 3, (3, 9): 2, (9, 8): 2, (1, 8): 1, (5, 9): 1, (4, 9): 1},
}  # fmt: skip
_COST = {
    "teacher": (191_410, 1_486_221, 0.412, 0.871),
    "student": (2_410, 71_322, 0.121, 0.262),
    "student_hard_labels": (2_410, 71_318, 0.119, 0.255),
    "student_pseudo_labels": (2_410, 71_322, 0.123, 0.301),
}
_LOG_LOSS = {"teacher": 0.031, "student": 0.142, "student_hard_labels": 0.451, "student_pseudo_labels": 0.205}
_UNSURE = {"teacher": -0.01, "student": -0.045, "student_hard_labels": 0.05, "student_pseudo_labels": 0.02}
# Brightness of 8 by 8 pixels, 0 to 16; label; what each of two teachers says most, by class.
_SOFT = (
    ("00b70000 05g32e30 09f0cf00 06gfg500 006fb000 001g4000 009c0000 00da0000", "4", {4: 7.1, 9: 4.6, 8: 2.0}),
    ("007fgc00 0cgbgd00 0fgge500 08gc0000 002c9000 0009d000 002g8000 00ac1000", "9", {9: 6.0, 5: 4.9, 7: 2.2}),
    ("0004ee10 003eca40 03d40860 03f92f10 002agd00 0000ce40 0002c930 0002ge00", "8", {8: 5.2, 9: 4.7, 1: 3.3}),
    ("003bec30 02da4ac0 02b20990 003aa100 07gg2000 030e3000 001d2000 37e50000", "3", {7: 5.8, 3: 5.1, 5: 1.4}),
    ("00006g70 015bgg80 0bggdg80 03714g80 00005g80 00005g70 00007g90 00008g80", "1", {1: 7.0, 9: 2.5, 0: 1.0}),
    ("0046be60 04ggcg70 06g21g30 05g05e00 0020ba00 0002f400 0008g000 0007c000", "7", {7: 5.5, 9: 5.0, 5: 2.6}),
)


_CHIEF = Traffic(27_240_000, 21_059_000, 133_430, 61_240_000, 61_190_000)


def whole() -> Report:
    """Pushed, with all that can be known."""
    confusion = {name: _confusion(mistakes) for name, mistakes in _MISTAKES.items()}
    accuracy = {name: accuracy_of(one) for name, one in confusion.items()}
    return Report(
        schema_version=VERSION,
        outcome=Outcome.PUSHED,
        task="digits",
        config=Config(
            training=TrainingConfig(epochs=150, learning_rate=0.01),
            teachers=TeachersConfig(count=5, epochs=30),
            distillation=DistillationConfig(temperature=2.0, alpha=0.9),
            student=StudentConfig(hyperparameters={"units": 32}),
            gate=GateConfig(tolerance=0.05, max_bytes=200_000),
        ),
        models={
            name: ModelReport({"accuracy": accuracy[name], "log_loss": _LOG_LOSS[name]}, *cost, sum(_EXAMPLES))
            for name, cost in _COST.items()
        },
        training={
            "teacher": (
                RankRecord("chief", 0, 3_040, 97_280, 33.4, DeviceSeconds(24.1, 2.7), _CHIEF),
                RankRecord("worker", 1, 3_040, 97_280, 33.1, None, Traffic(26_120_000, None, None, None, None)),
            ),
            "student": (
                RankRecord("chief", 0, 3_040, 97_280, 18.2),
                RankRecord("worker", 1, 3_040, 97_280, 18.0),
            ),
        },
        gap_recovered=Interval(0.792, 0.583, 0.957),
        distillation_helped=Helped(verdict=True, p_value=0.0002),
        against={
            "student_hard_labels": Comparison(Interval(0.076, 0.044, 0.112), 0.0002),
            "student_pseudo_labels": Comparison(Interval(0.012, -0.008, 0.032), 0.34),
        },
        against_teacher=NonInferiority(accuracy["student"] - accuracy["teacher"], -0.0405, sum(_EXAMPLES)),
        gate=GateReport(passed=True, reasons=()),
        serving="/home/ada/limbeck/runs/digits/serving/3",
        stages=_stages(),
        findings=Findings(
            classes=DIGITS,
            curves=_curves(),
            confusion=confusion,
            reliability={name: _reliability(accuracy[name], _UNSURE[name]) for name in _MISTAKES},
            slices=_slices(confusion),
            soft_targets=tuple(_soft_target(index) for index in range(len(_SOFT))),
            search=_search(),
        ),
        versions={"python": "3.10.13", "tfx": "1.16.0", "tensorflow": "2.16.2", "apache-beam": "2.64.0"},
    )


def _search() -> SearchRecord:
    tried = (
        (4.0, 0.9, "short", 1_216, 0.984, 0.050, None, None, None),
        (1.0, 0.9, "short", 1_216, 0.976, 0.084, None, None, None),
        (2.0, 0.0, "full", 3_040, 0.900, 0.459, 0.0, 0.0, 1.0),
        (2.0, 0.9, "full", 3_040, 0.996, 0.030, 0.096, 0.019, 0.0012),
        (4.0, 0.9, "full", 3_040, 0.988, 0.039, 0.088, 0.019, 0.0012),
    )
    trials = tuple(
        SearchTrial(
            DistillationConfig(temperature=temperature, alpha=alpha, search=False),
            length,
            steps,
            steps / 300,
            *figures,
            chosen=figures[0] == 0.996,
        )
        for temperature, alpha, length, steps, *figures in tried
    )
    return SearchRecord(5.0, 15_200, 250, trials[3].distillation, trials)


def refused() -> Report:
    """The gate refused a student that distillation did not help."""
    report = whole()
    student = dataclasses.replace(report.models["student"], metrics={"accuracy": 0.888, "log_loss": 0.402})
    reasons = (
        "the student's accuracy 88.80% is 10.40 points below the teacher's 99.20%; gate.tolerance allows 5 points",
        "the student takes 71,322 bytes; gate.max_bytes allows 50,000",
    )
    return dataclasses.replace(
        report,
        outcome=Outcome.REFUSED,
        config=dataclasses.replace(report.config, gate=GateConfig(tolerance=0.05, max_bytes=50_000)),
        models=report.models | {"student": student},
        gap_recovered=Interval(-0.08, -0.41, 0.22),
        distillation_helped=Helped(verdict=False, p_value=0.61),
        against={
            "student_hard_labels": Comparison(Interval(-0.008, -0.036, 0.02), 0.61),
            "student_pseudo_labels": Comparison(Interval(-0.072, -0.108, -0.04), 0.0),
        },
        against_teacher=NonInferiority(-0.104, -0.144, sum(_EXAMPLES)),
        gate=GateReport(passed=False, reasons=reasons),
        # Its loss was set, and not searched for.
        findings=dataclasses.replace(report.findings, search=None),
        serving=None,
    )


def failed() -> Report:
    """Broken off in the first training."""
    return Report(
        schema_version=VERSION,
        outcome=Outcome.FAILED,
        task="digits",
        config=Config(),
        error="TeacherTrainer: the worker of rank 1 ended with exit code 1:\n"
        "  the loss is not finite at step 40 (nan)\n" + "  /a/very/long/path" * 12,
        stages=_stages()[:4],
        versions={"python": "3.10.13"},
    )


def nasty(name: str) -> Report:
    """The whole report with `name` wherever a name or text of others can stand."""
    report = whole()
    assert report.findings is not None
    findings = report.findings
    classes = tuple(f"{name} {digit}" for digit in DIGITS)
    soft = tuple(
        dataclasses.replace(one, label=classes[int(one.label)], picture=None, inputs={name: name, f"{name}2": "1"})
        for one in findings.soft_targets
    )
    return dataclasses.replace(
        report,
        outcome=Outcome.REFUSED,
        task=name,
        config=dataclasses.replace(
            report.config, student=StudentConfig(hyperparameters={name: name, "units": 32})
        ),
        error=name,
        models=report.models | {name: report.models["student"], f"{name} again": report.models["teacher"]},
        training=report.training | {name: (RankRecord(name, 2, 1, 1, 1.0),)},
        against=report.against | {name: Comparison(Interval(None, None, None), 1.0)},
        gate=GateReport(passed=False, reasons=(name,)),
        stages=(*report.stages, Stage(name, 1.0, False)),
        findings=dataclasses.replace(
            findings,
            classes=classes,
            curves=findings.curves | {name: findings.curves["student"]},
            confusion={
                model: dataclasses.replace(one, classes=classes) for model, one in findings.confusion.items()
            },
            reliability=findings.reliability | {name: findings.reliability["student"]},
            slices=(*findings.slices, Slice({name: name}, 40, {"teacher": 1.0, "student": 0.5})),
            soft_targets=soft,
        ),
        versions=report.versions | {name: name},
    )


def accuracy_of(confusion: Confusion) -> float:
    """The share of the diagonal."""
    counts = np.array(confusion.counts)
    return float(np.trace(counts) / counts.sum())


def _confusion(mistakes: dict[tuple[int, int], int]) -> Confusion:
    counts = np.diag(_EXAMPLES)
    for (label, predicted), count in mistakes.items():
        counts[label, predicted] += count
        counts[label, label] -= count
    return Confusion(DIGITS, tuple(tuple(map(int, row)) for row in counts))


def _slices(confusion: dict[str, Confusion]) -> tuple[Slice, ...]:
    shown = ("teacher", "student")
    whole_split = Slice({}, sum(_EXAMPLES), {name: accuracy_of(confusion[name]) for name in shown})
    return (
        whole_split,
        *(
            Slice(
                {"digit": name},
                _EXAMPLES[index],
                {model: confusion[model].counts[index][index] / _EXAMPLES[index] for model in shown},
            )
            for index, name in enumerate(DIGITS)
        ),
    )


def _reliability(accuracy: float, too_sure: float) -> Reliability:
    shares = (
        (0.3, 0.4, 4),
        (0.4, 0.5, 7),
        (0.5, 0.6, 9),
        (0.6, 0.7, 12),
        (0.7, 0.8, 18),
        (0.8, 0.9, 30),
        (0.9, 1.0, 170),
    )
    bins = []
    for low, high, examples in shares:
        confidence = low + 0.55 * (high - low)
        right = (
            accuracy if low == 0.9 else min(1.0, max(0.0, confidence - 2 * too_sure + 0.06 * math.sin(9 * low)))
        )
        bins.append(ReliabilityBin(low, high, examples, min(confidence + (low == 0.9) * 0.035, 0.995), right))
    total = sum(one.examples for one in bins)
    error = sum(one.examples * abs(one.confidence - one.accuracy) for one in bins) / total
    return Reliability(tuple(bins), error)


def _curves() -> dict[str, tuple[tuple[CurvePoint, ...], ...]]:
    return {
        "teacher": tuple(_curve(seed, 608, 2.2, 0.006) for seed in range(5)),
        "student": (_curve(10, 3040, 2.9, 0.05),),
        "student_hard_labels": (_curve(11, 3040, 2.3, 0.0009),),
        "student_pseudo_labels": (_curve(12, 3040, 2.3, 0.012),),
    }


def _curve(seed: int, steps: int, first: float, last: float) -> tuple[CurvePoint, ...]:
    noise = np.random.default_rng(seed).normal(0, 0.12, 200)
    places = np.linspace(0, 1, 200)
    losses = np.exp(np.log(last) + np.log(first / last) * np.exp(-4.5 * places) + noise * places**0.3)
    ends = np.linspace(steps / 200, steps, 200).round().astype(int)
    return tuple(CurvePoint(int(step), float(loss)) for step, loss in zip(ends, losses, strict=True))


def _soft_target(index: int) -> SoftTarget:
    rows, label, says = _SOFT[index]
    members = np.random.default_rng(index).normal(-2.0, 0.6, (5, 10))
    for digit, logit in says.items():
        members[:, digit] = logit + members[:, digit] / 2 + 1
    return SoftTarget(
        example_id=f"{index:016x}-0",
        label=label,
        teacher_logits=tuple(tuple(map(float, row)) for row in members),
        picture=GreyImage(tuple(tuple(int(pixel, 17) / 16 for pixel in row) for row in rows.split())),
    )


def _stages() -> tuple[Stage, ...]:
    return (
        Stage("ExampleGen", 0.031, True, 0, 213_400),
        Stage("StatisticsGen", 0.027, True, 213_400, 18_020),
        Stage("SchemaGen", 0.018, True, 18_020, 1_100),
        Stage(
            "Transform",
            9.412,
            False,
            214_500,
            402_311,
            (Moved("ada:81", 213_400, 190_004), Moved("ada:82", 0, 212_307)),
        ),
        Stage("TeacherTrainer", 42.118, False, 402_311, 1_840_200),
        Stage("TeacherLabeler", 12.604, False, 2_242_511, 512_007),
        Stage("Distiller", 27.95, False, 914_318, 96_412),
        Stage("Distiller-hard-labels", 24.31, False, 402_311, 96_398),
        Stage("Distiller-pseudo-labels", 25.077, False, 914_318, 96_401),
        Stage("Predictor", 19.863, False, 2_400_118, 71_204),
        Stage("Evaluator", 16.2, False, 2_310_411, 44_870),
        Stage("Gate", 0.412, False, 71_204, 2_210),
        Stage("Reporter", 3.1, False, 585_415, 90_117),
        Stage("Pusher", 0.09, False, 98_622, 96_412),
    )

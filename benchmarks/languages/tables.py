"""Makes tables of the answers of all models and seeds: pure functions.

All seeds answer the same test sentences. So two questions stand apart, as in benchmarks/digits: would other trainings
show a difference again on these sentences, and would other sentences? Sentences are translations of few messages, and
what a model finds hard in one it finds hard in the next. So whole messages are drawn, and not sentences.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.digits.significance import sign_flip_p_value
from benchmarks.languages.training import BEGINNINGS, TEACHER

Logits = Sequence[npt.NDArray[np.float64]]
_DRAWS = 10_000
_MOST_PROBABLE = 3
# What is compared, each with what: of students with the same beginning.
_PAIRS = (
    ("soft targets", "labels alone"),
    ("triple loss", "labels alone"),
    ("pseudo-labels", "labels alone"),
    ("soft targets", "pseudo-labels"),
    ("triple loss", "soft targets"),
)
_LABELS, _USUAL = "labels alone, teacher's blocks", "soft targets, teacher's blocks"


def accuracies(answers: Mapping[str, Logits], labels: npt.NDArray[np.int64]) -> list[str]:
    """Returns the lines of a table with the accuracy of each model: mean and standard deviation over seeds.

    Args:
      answers: logits for the test split by model, `[examples, languages]` of each seed; the teacher is among them.
      labels: int64 `[examples]`.
    """
    lines = [
        "| model | seeds | accuracy, test | of its teacher's | among the three most probable |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    teachers = [_right(one, labels).mean() for one in answers[TEACHER]]
    for name, some in answers.items():
        right = [float(_right(one, labels).mean()) for one in some]
        shares = [100 * mine / its for mine, its in zip(right, teachers, strict=True)]
        near = [float(_near(one, labels).mean()) for one in some]
        beside = "" if name == TEACHER else _spread(shares, 1, " %")
        lines.append(f"| {name} | {len(some)} | {_spread(right, 4)} | {beside} | {_spread(near, 4)} |")
    return lines


def differences(
    answers: Mapping[str, Logits], labels: npt.NDArray[np.int64], messages: Sequence[str]
) -> list[str]:
    """Returns the lines of a table that compares students with the same beginning.

    Args:
      answers: as `accuracies` takes them.
      labels: int64 `[examples]`.
      messages: the message that each test sentence translates.
    """
    lines = [
        "| beginning | difference | points | seeds better / equal / worse | p over seeds | 95 % over messages |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for beginning in BEGINNINGS:
        for one, other in _PAIRS:
            right = [
                np.stack([_right(logits, labels) for logits in answers[f"{name}, {beginning}"]])
                for name in (one, other)
            ]
            cells = " | ".join(_difference(right[0], right[1], messages))
            lines.append(f"| {beginning} | {one} − {other} | {cells} |")
    return lines


def choices(
    judged: Mapping[str, Logits],
    validation: npt.NDArray[np.int64],
    answers: Mapping[str, Logits],
    test: npt.NDArray[np.int64],
    objective: Any,
) -> list[str]:
    """Returns the lines of a table with what the product's search would take among students with the teacher's blocks.

    All its losses are trained to the end here, so this is a search without short trials.

    Args:
      judged: logits for the validation split, of labels alone and of each loss of the search.
      validation: the labels of that split.
      answers: logits for the test split.
      test: the labels of that split.
      objective: the objective of the task.
    """
    from limbeck.trainer.search import choice

    searched = [_LABELS, _USUAL, *(name for name in judged if name.startswith("T "))]
    lines = [
        "| seed | loss | validation, % | less labels alone | p, corrected | taken | test, % | less labels alone |",
        "| ---: | --- | ---: | ---: | ---: | --- | ---: | ---: |",
    ]
    for seed in range(len(judged[_LABELS])):
        found = [choice.judge(objective, judged[name][seed], validation) for name in searched]
        taken = choice.choose(found, 0, others=len(searched) - 1)
        base = float(_right(answers[_LABELS][seed], test).mean())
        for number, (name, one) in enumerate(zip(searched, found, strict=True)):
            if one is None or found[0] is None:
                raise SystemExit(f"the answers of '{name}', seed {seed}, are not finite")
            ahead = choice.advantage(one, found[0])
            value = float(_right(answers[name][seed], test).mean())
            beside = [f"{100 * ahead.measure:+.2f}", f"{ahead.corrected(len(searched) - 1):.4f}"]
            cells = [
                f"{100 * one.value:.2f}",
                *(["", ""] if number == 0 else beside),
                "yes" if number == taken else "",
                f"{100 * value:.2f}",
                "" if number == 0 else f"{100 * (value - base):+.2f}",
            ]
            lines.append(f"| {seed} | {name} | {' | '.join(cells)} |")
    return lines


def over_messages(
    moved: npt.NDArray[np.float64], messages: Sequence[str], draws: int = _DRAWS
) -> tuple[float, float]:
    """Returns the 95 % interval of the mean of `moved`, float64 `[examples]`, over draws of whole messages."""
    _, of = np.unique(np.asarray(messages), return_inverse=True)
    sums, counts = np.bincount(of, weights=moved), np.bincount(of)
    drawn = np.random.default_rng(0).integers(len(counts), size=[draws, len(counts)])
    low, high = np.quantile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), [0.025, 0.975])
    return float(low), float(high)


def _difference(
    one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_], messages: Sequence[str]
) -> tuple[str, str, str, str]:
    """Compares two models by what they got right, bool `[seeds, examples]`."""
    counts = one.sum(axis=1) - other.sum(axis=1)
    points = [100 * int(count) / one.shape[1] for count in counts]
    error = f" ± {statistics.stdev(points) / math.sqrt(len(points)):.2f}" if len(points) > 1 else ""
    low, high = over_messages((one.astype(np.float64) - other).mean(axis=0), messages)
    return (
        f"{statistics.mean(points):+.2f}{error}",
        f"{int((counts > 0).sum())} / {int((counts == 0).sum())} / {int((counts < 0).sum())}",
        f"{sign_flip_p_value(counts):.3f}",
        f"{100 * low:+.2f} to {100 * high:+.2f}",
    )


def _right(logits: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    return np.asarray(logits.argmax(axis=1) == labels)


def _near(logits: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    mine = logits[np.arange(len(labels)), labels]
    return np.asarray((logits > mine[:, np.newaxis]).sum(axis=1) < _MOST_PROBABLE)


def _spread(values: Sequence[float], digits: int, unit: str = "") -> str:
    mean = f"{statistics.mean(values):.{digits}f}{unit}"
    return f"{mean} ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else mean

"""The figures of one run, and the tables of all: pure functions."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# The goals for int8, beside the teacher: at most this part of its size and of its latency, this share of its accuracy.
_SIZE, _LATENCY, _ACCURACY = 1 / 40, 1 / 20, 0.97


def of_run(recipe: str, seed: int, report: Mapping[str, Any], alone: float) -> dict[str, Any]:
    """Returns what is kept of a run.

    Args:
      recipe: the value of `compression.recipe`.
      seed: of the run.
      report: its `report.json`.
      alone: milliseconds of a call of the file alone.
    """
    named = {"teacher": "teacher", "student": "student", "file": "student_compressed"}
    models = {
        name: {
            "accuracy": report["models"][model]["metrics"]["accuracy"],
            "bytes": report["models"][model]["bytes"],
            "ms": report["models"][model]["latency_ms_p50"],
        }
        for name, model in named.items()
    }
    record = report["compression"]
    return {
        "recipe": recipe,
        "taken": record["recipe"],
        "seed": seed,
        **models,
        "gzip": record["file"]["gzip"],
        "float32": record["float32"],
        "alone": alone,
    }


def lines(results: Sequence[Mapping[str, Any]], recipes: Iterable[str]) -> list[str]:
    """Returns the tables in Markdown: means over runs, and medians of latencies."""
    told = [
        "| model | seeds | bytes | by gzip | accuracy, test | a call, ms | the file alone, ms |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    seeds = str(_seeds(results))
    for name in ("teacher", "student"):
        of = [one[name] for one in results]
        told.append(_row(f"{name}, SavedModel", seeds, _bytes(of), "", _share(of), _ms(of), ""))
    plain = [one["float32"] for one in results]
    told.append(_row("student, float32 file", seeds, _bytes(plain), _bytes(plain, "gzip"), "", "", ""))
    for recipe in recipes:
        some = [one for one in results if one["recipe"] == recipe]
        if some:
            of, taken = [one["file"] for one in some], sorted({one["taken"] for one in some} - {recipe})
            title = f"`{recipe}`" + (f", which took {', '.join(taken)}" if taken else "")
            alone = f"{statistics.median(one['alone'] for one in some):.4f}"
            told.append(
                _row(title, str(_seeds(some)), _bytes(of), _bytes(some, "gzip"), _share(of), _ms(of), alone)
            )
    return told + _goals([one for one in results if one["recipe"] == "int8"])


def _goals(some: Sequence[Mapping[str, Any]]) -> list[str]:
    if not some:
        return []
    size = statistics.mean(one["file"]["bytes"] / one["teacher"]["bytes"] for one in some)
    call = statistics.median(one["file"]["ms"] / one["teacher"]["ms"] for one in some)
    alone = statistics.median(one["alone"] / one["teacher"]["ms"] for one in some)
    accuracy = statistics.mean(one["file"]["accuracy"] / one["teacher"]["accuracy"] for one in some)
    goals = (
        ("size", f"1/{1 / size:.0f}", f"at most 1/{1 / _SIZE:.0f}", size <= _SIZE),
        (
            "a call, transformation included",
            f"1/{1 / call:.1f}",
            f"at most 1/{1 / _LATENCY:.0f}",
            call <= _LATENCY,
        ),
        ("the file alone", f"1/{1 / alone:.0f}", f"at most 1/{1 / _LATENCY:.0f}", alone <= _LATENCY),
        ("accuracy", f"{100 * accuracy:.1f} %", f"at least {100 * _ACCURACY:.0f} %", accuracy >= _ACCURACY),
    )
    told = ["", "| int8 beside the teacher | measured | goal | reached |", "| --- | ---: | ---: | --- |"]
    return told + [f"| {name} | {found} | {goal} | {'yes' if met else 'no'} |" for name, found, goal, met in goals]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _seeds(results: Sequence[Mapping[str, Any]]) -> int:
    return len({one["seed"] for one in results})


def _bytes(some: Sequence[Mapping[str, Any]], figure: str = "bytes") -> str:
    return f"{statistics.mean(one[figure] for one in some):,.0f}"


def _share(some: Sequence[Mapping[str, Any]]) -> str:
    return f"{100 * statistics.mean(one['accuracy'] for one in some):.2f} %"


def _ms(some: Sequence[Mapping[str, Any]]) -> str:
    # A run that other work disturbed must not count.
    return f"{statistics.median(one['ms'] for one in some):.3f}"

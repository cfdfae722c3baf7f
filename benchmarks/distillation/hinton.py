"""Hinton's table in shape: a network, an ensemble of K of them, and one network that learned from the ensemble.

Hinton, Vinyals and Dean (2015, arXiv:1503.02531, table 1) have 58.9 % for the network, 61.1 % for ten of them and
60.8 % for the distilled one. All networks here are the same, so that nothing but the ensemble makes the teacher better.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SIZES = (1, 3, 10)
TABLES = ("digits", "letters")
_UNITS = {"digits": 16, "letters": 32}


def measured(table: str, seed: int, folder: Path) -> dict[str, Any]:
    """Trains the networks of one table and seed. Returns the accuracy of each on the test split."""
    from benchmarks.search.training import World, labelled, measure
    from limbeck.examples import TRAIN
    from limbeck.settings.distillation import DistillationConfig
    from limbeck.trainer import training

    world = World(table, seed, folder)
    world.pack("teacher", TRAIN, world.examples[TRAIN])
    # The seeds of the members lie apart from those of other runs, and the first is not the one of the students.
    teacher = world.job("teacher", "labels", members=max(SIZES), hyperparameters=_network(world, table))
    teacher = _with_seed(teacher, 1000 * (seed + 1))
    training.run(teacher)
    found = {f"ensemble of {size}": measure(world, teacher, size) for size in SIZES}
    for size in SIZES:
        # The folder has the name of the entry, so each ensemble has an entry of its own.
        uri = world.pack(f"student-{size}", TRAIN, labelled(teacher, world.examples[TRAIN], size))
        job = world.job(
            f"distilled-{size}",
            "soft_targets",
            examples_uri=uri,
            hyperparameters=_network(world, table),
            distillation=DistillationConfig(temperature=2.0, alpha=0.9, search=False),
        )
        training.run(job)
        found[f"distilled from {size}"] = measure(world, job)
        if size == 1:
            alone = world.job("labels", "labels", examples_uri=uri, hyperparameters=_network(world, table))
            training.run(alone)
            found["baseline"] = measure(world, alone)
    return {"table": table, "seed": seed, "accuracy": found}


def lines(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns the table in Markdown: mean accuracy, and the difference to the baseline with its standard error."""
    told = [
        "| table | network | runs | accuracy, % | less baseline, points | of the ensemble's gain |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for table in dict.fromkeys(one["table"] for one in results):
        runs = [one["accuracy"] for one in results if one["table"] == table]
        told += [_line(table, name, runs) for name in _names()]
    return told


def _names() -> list[str]:
    return ["baseline", *(f"{kind} {size}" for size in SIZES for kind in ("ensemble of", "distilled from"))]


def _line(table: str, name: str, runs: Sequence[Mapping[str, float]]) -> str:
    gains = [100 * (one[name] - one["baseline"]) for one in runs]
    error = statistics.stdev(gains) / len(gains) ** 0.5 if len(gains) > 1 else 0.0
    told = "" if name == "baseline" else f"{statistics.mean(gains):+.2f} ± {error:.2f}"
    accuracy = 100 * statistics.mean(one[name] for one in runs)
    return f"| {table} | {name} | {len(runs)} | {accuracy:.2f} | {told} | {_share(name, runs)} |"


def _share(name: str, runs: Sequence[Mapping[str, float]]) -> str:
    """Returns the gain of a distilled network as a share of the gain of its ensemble; nothing if there is none."""
    kind, _, size = name.rpartition(" ")
    if kind != "distilled from":
        return ""
    ensemble = statistics.mean(one[f"ensemble of {size}"] - one["baseline"] for one in runs)
    gain = statistics.mean(one[name] - one["baseline"] for one in runs)
    return f"{gain / ensemble:.2f}" if ensemble > 0 else "no gain"


def _network(world: Any, table: str) -> dict[str, Any]:
    from benchmarks.search.tables import TABLES as ALL

    return {"columns": ALL[table].columns, "units": _UNITS[table], "classes": ALL[table].classes}


def _with_seed(job: Any, seed: int) -> Any:
    import dataclasses

    return dataclasses.replace(job, training=dataclasses.replace(job.training, seed=seed))

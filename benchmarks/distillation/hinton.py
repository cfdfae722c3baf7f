"""Hinton's table in shape: a network, an ensemble of K of them, and one network that learned from the ensemble.

Hinton, Vinyals and Dean (2015, arXiv:1503.02531, table 1) have 58.9 % for the network, 61.1 % for ten of them and
60.8 % for the distilled one. All networks here are the same, so that nothing but the ensemble makes the teacher better.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SIZES = (1, 3, 10)
TABLES = ("digits", "letters")
# What is shown of the networks that learned from an ensemble: the loss that was best on the validation split, the usual
# one, and what the product's search takes of the same networks and of the baseline.
WAYS = ("distilled", "usual", "searched")
_UNITS = {"digits": 16, "letters": 32}


def measured(table: str, seed: int, folder: Path) -> dict[str, Any]:
    """Trains the networks of one table and seed. Returns the accuracy of each on the test split."""
    from benchmarks.distillation import tuning
    from benchmarks.search.training import World, labelled, measure
    from limbeck.examples import TRAIN
    from limbeck.trainer import training

    world = World(table, seed, folder)
    world.pack("teacher", TRAIN, world.examples[TRAIN])
    # The seeds of the members lie apart from those of other runs, and the first is not the one of the students.
    teacher = world.job("teacher", "labels", members=max(SIZES), hyperparameters=_network(world, table))
    teacher = _with_seed(teacher, 1000 * (seed + 1))
    training.run(teacher)
    found = {f"ensemble of {size}": measure(world, teacher, size) for size in SIZES}
    # The folder has the name of the entry, so each ensemble has an entry of its own.
    folders = {
        size: world.pack(f"student-{size}", TRAIN, labelled(teacher, world.examples[TRAIN], size))
        for size in SIZES
    }
    network = {"hyperparameters": _network(world, table)}
    alone = world.job("labels", "labels", examples_uri=folders[SIZES[0]], **network)
    (baseline,) = tuning.trained(world, {"labels alone": alone})
    found["baseline"] = baseline.test
    chosen: dict[str, str] = {}
    for size, uri in folders.items():
        jobs = tuning.distilled(world, f"distilled-{size}", examples_uri=uri, **network)
        students = tuning.trained(world, jobs)
        usual = next(one for one in students if one.setting == tuning.setting(2.0, 0.9))
        taken = (tuning.best(students), usual, tuning.searched(baseline, students))
        found |= {f"{way} from {size}": one.test for way, one in zip(WAYS, taken, strict=True)}
        chosen |= {f"{way} from {size}": one.setting for way, one in zip(WAYS, taken, strict=True)}
    return {"table": table, "seed": seed, "accuracy": found, "chosen": chosen}


def lines(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns the table in Markdown: mean accuracy, and the difference to the baseline with its standard error."""
    told = [
        "| table | network | seeds | accuracy, % | less baseline, points | of the ensemble's gain |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for table in dict.fromkeys(one["table"] for one in results):
        runs = [one["accuracy"] for one in results if one["table"] == table]
        told += [_line(table, name, runs) for name in _names()]
    told += [
        "",
        "| table | network | temperature and alpha that were taken, and in how many seeds |",
        "| --- | --- | --- |",
    ]
    for table in dict.fromkeys(one["table"] for one in results):
        runs = [one["chosen"] for one in results if one["table"] == table]
        told += [
            _choices(table, name, runs) for name in _names() if name in runs[0] and not name.startswith("usual")
        ]
    return told


def _names() -> list[str]:
    return [
        "baseline",
        *(name for size in SIZES for name in (f"ensemble of {size}", *(f"{way} from {size}" for way in WAYS))),
    ]


def _line(table: str, name: str, runs: Sequence[Mapping[str, float]]) -> str:
    gains = [100 * (one[name] - one["baseline"]) for one in runs]
    error = statistics.stdev(gains) / len(gains) ** 0.5 if len(gains) > 1 else 0.0
    told = "" if name == "baseline" else f"{statistics.mean(gains):+.2f} ± {error:.2f}"
    accuracy = 100 * statistics.mean(one[name] for one in runs)
    return f"| {table} | {name} | {len(runs)} | {accuracy:.2f} | {told} | {_share(name, runs)} |"


def _share(name: str, runs: Sequence[Mapping[str, float]]) -> str:
    """Returns the gain of a distilled network as a share of the gain of its ensemble; nothing if there is none."""
    way, _, size = name.rpartition(" from ")
    if way not in WAYS:
        return ""
    ensemble = statistics.mean(one[f"ensemble of {size}"] - one["baseline"] for one in runs)
    gain = statistics.mean(one[name] - one["baseline"] for one in runs)
    return f"{gain / ensemble:.2f}" if ensemble > 0 else "no gain"


def _choices(table: str, name: str, runs: Sequence[Mapping[str, str]]) -> str:
    counted = Counter(one[name] for one in runs).most_common()
    return f"| {table} | {name} | {', '.join(f'{setting} ({count})' for setting, count in counted)} |"


def _network(world: Any, table: str) -> dict[str, Any]:
    from benchmarks.search.tables import TABLES as ALL

    return {"columns": ALL[table].columns, "units": _UNITS[table], "classes": ALL[table].classes}


def _with_seed(job: Any, seed: int) -> Any:
    return dataclasses.replace(job, training=dataclasses.replace(job.training, seed=seed))

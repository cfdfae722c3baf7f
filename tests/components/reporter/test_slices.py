"""Slices, held against accuracies computed from the raw rows and what the models themselves answer."""

import copy
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from tensorflow_model_analysis.slicer import slicer_lib
from tfx.types.artifact import Artifact

from limbeck.components.reporter import slices
from limbeck.report.findings import Slice
from tests.components import shapes
from tests.components.reporter import evaluations
from tests.components.reporter.predictions import probabilities
from tests.components.world import World

pytestmark = pytest.mark.long

METRIC = "sparse_categorical_accuracy"


def expected(world: World) -> dict[frozenset[tuple[str, str]], Slice]:
    """All slices of `shapes.TASK`, by their features."""
    right, rows = {}, world.rows["test"]
    for model in ("teacher", "student"):
        predicted = np.argmax(probabilities(world.logits(model, "test")).mean(axis=1), axis=1)
        right[model] = [shapes.CLASSES[index] == row["kind"] for index, row in zip(predicted, rows, strict=True)]
    made = {}
    for keys in ((), *shapes.TASK.slices):
        for values in {tuple((key, row[key]) for key in keys) for row in rows if row["kind"]}:
            inside = [n for n, row in enumerate(rows) if row["kind"] and dict(values).items() <= row.items()]
            accuracy = {model: float(np.mean([some[n] for n in inside])) for model, some in right.items()}
            made[frozenset(values)] = Slice(dict(values), len(inside), accuracy)
    return made


def difference(one: Slice) -> float:
    student, teacher = one.accuracy["student"], one.accuracy["teacher"]
    assert student is not None
    assert teacher is not None
    return round(student - teacher, 5)


@pytest.mark.processes
def test_accuracies_and_counts_are_those_of_the_raw_rows(evaluation: Artifact, world: World):
    found = slices.read(evaluation.uri, METRIC)

    wanted = expected(world)
    assert {frozenset(one.features.items()) for one in found} == wanted.keys()
    assert len(found) == len(wanted) > 8
    for one in found:
        reference = wanted[frozenset(one.features.items())]
        assert one.examples == reference.examples
        assert one.accuracy == pytest.approx(reference.accuracy, abs=1e-6)


@pytest.mark.processes
def test_all_examples_come_first_then_what_the_student_lost_most(evaluation: Artifact):
    first, *others = slices.read(evaluation.uri, METRIC)

    assert first.features == {}
    keys = [(difference(one), sorted(one.features.items())) for one in others]
    assert keys == sorted(keys)
    assert len({key for key, _ in keys}) < len(keys), "there must be a tie"


@pytest.mark.processes
def test_of_many_slices_those_where_the_student_lost_most_are_kept(evaluation: Artifact, tmp_path: Path):
    folder = Path(shutil.copytree(evaluation.uri, tmp_path / "evaluation"))
    [overall] = [one for one in evaluations.metrics(evaluation.uri) if not one.slice_key.single_slice_keys]
    # In no order; every third is better than its teacher, every fifth undefined.
    numbers = np.random.default_rng(0).permutation(500).tolist()
    others = []
    for number in numbers:
        other = copy.deepcopy(overall)
        other.slice_key.CopyFrom(slicer_lib.serialize_slice_key((("number", number),)))
        for pair in other.metric_keys_and_values:
            if pair.key.name == "sparse_categorical_accuracy" and not pair.key.is_diff:
                undefined = math.nan if number % 5 == 0 else number / 1000
                pair.value.double_value.value = undefined if pair.key.model_name == "candidate" else 0.25
        others.append(other)
    evaluations.write_metrics(folder, [*others, overall])

    first, *kept = slices.read(str(folder), METRIC)
    everything = slices.read(str(folder), METRIC, 1000)

    assert first.features == {}
    defined = [number for number in range(500) if number % 5]
    assert [one.features["number"] for one in kept] == [str(number) for number in defined[:199]]
    assert len(everything) == 501
    for one in everything[401:]:
        assert int(one.features["number"]) % 5 == 0
        assert one.accuracy == {"teacher": 0.25, "student": None}


@pytest.mark.processes
def test_an_empty_test_split_has_no_slices(world: World, tmp_path: Path):
    assert slices.read(evaluations.evaluate(world, [], tmp_path).uri, METRIC) == ()

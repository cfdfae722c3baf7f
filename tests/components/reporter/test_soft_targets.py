"""Which training examples are shown, and that they are read as they stand in the files."""

import dataclasses
import math
from collections import Counter
from decimal import Decimal, localcontext
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from limbeck.components.predictor import tables
from limbeck.components.reporter import soft_targets
from limbeck.components.reporter.soft_targets import Choice, choose
from limbeck.components.teacher_labeler.examples import attach_logits
from limbeck.errors import TaskError
from limbeck.settings.labelling import LabellingConfig
from limbeck.task import Picture
from limbeck.trainer.distillation.stored.form import form_of
from tests.classes import classes
from tests.components import rehearsal, shapes
from tests.components.reporter.predictions import table
from tests.components.world import World, by_id, write_split


def chosen_one_by_one(labels: list[int], logits: np.ndarray, limit: int, of_a_pair: int) -> list[Choice]:
    candidates = []
    for number, (label, row) in enumerate(zip(labels, logits, strict=True)):
        first, second = np.argsort(-row, kind="stable")[:2]
        if label == first:
            candidates.append((-exact_probability(row, second), f"id-{number:04}", label, second))
    taken: list[Choice] = []
    pairs: Counter[tuple[int, int]] = Counter()
    for _, example_id, label, second in sorted(candidates):
        if len(taken) < limit and pairs[label, second] < of_a_pair:
            pairs[label, second] += 1
            taken.append(Choice(example_id, label))
    return taken


def exact_probability(logits: np.ndarray, of_class: int) -> Decimal:
    """Softmax to 50 digits, of which it keeps 40: those do not depend on the order of the sum."""
    with localcontext() as context:
        context.prec = 50
        exponentials = [Decimal(float(logit)).exp() for logit in logits]
        probability = exponentials[of_class] / sum(exponentials)
        context.prec = 40
        return +probability


@given(st.data())
def test_the_choice_is_that_of_going_through_the_examples_one_by_one(data: st.DataObject):
    labels = data.draw(st.lists(st.integers(-1, 2), max_size=40))
    # Few values, so that there are ties.
    logits = data.draw(arrays.arrays(np.float32, (len(labels), 3), elements=st.sampled_from([0, 1, 2, 4, 8])))
    limit, of_a_pair = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 3))

    found = choose(table(labels, logits, "teacher", "train"), classes(3), limit, of_a_pair)

    assert found == chosen_one_by_one(labels, logits, limit, of_a_pair)


def test_equal_probabilities_whose_sums_round_differently_are_a_tie():
    """The sum e^2 + e^4 + e^2 rounds down and e^2 + e^2 + e^4 up, so the third example once came first."""
    logits = [[2, 2, 4], [4, 4, 2], [2, 4, 2], [2, 4, 4]]
    labels = [2, 0, 1, 1]

    found = choose(table(labels, logits, "teacher", "train"), classes(3))

    assert [one.example_id for one in found] == ["id-0001", "id-0003", "id-0000", "id-0002"]


def test_the_second_class_of_a_sure_ensemble_is_that_of_the_second_logit():
    """All other probabilities round to 0 here; the first class was once taken for the second of both examples."""
    logits = [[0, 9000, 1], [1, 9000, 0]]

    assert choose(table([1, 1], logits, "teacher", "train"), classes(3), of_a_pair=1) == [
        Choice("id-0000", 1),
        Choice("id-0001", 1),
    ]


def test_only_the_teachers_on_training_examples_count():
    others = [table([0], [[1, 0.9]], model, split) for model, split in (("teacher", "test"), ("student", "train"))]

    assert choose(pa.concat_tables(others), classes()) == []
    assert choose(tables.schema(classes()).empty_table(), classes()) == []
    own = table([0, 0, -1], [[1, 0], [math.nan, 0], [3, 0]], "teacher", "train")
    assert choose(pa.concat_tables([*others, own]), classes()) == [Choice("id-0000", 0)]


def labelled(world: World, folder: Path, broken: bytes | None = None) -> list[str]:
    """Files of the world's training examples with soft targets, in two shards."""
    logits = world.logits("teacher", "train")
    ids = list(by_id(world.transformed["train"]))
    if broken is not None:
        logits[ids.index(broken), 0, 0] = -math.inf
    examples = [attach_logits(*pair) for pair in zip(world.transformed["train"], logits, strict=True)]
    made = rehearsal.examples(folder, ["train"])
    write_split(made, "train", examples, "transformed_examples", 2)
    return sorted(str(path) for path in folder.rglob("*.gz"))


def test_examples_are_read_in_the_order_of_the_choice(world: World, tmp_path: Path):
    parsed = by_id(world.transformed["train"])
    ids = list(parsed)
    choices = [Choice(ids[place].decode(), number % 3) for number, place in enumerate((60, 0, 33))]

    found = soft_targets.read([*choices, Choice("nowhere", 0)], labelled(world, tmp_path), shapes.TASK)

    assert [one.example_id for one in found] == [choice.example_id for choice in choices]
    assert [one.label for one in found] == ["round", "square", "long"]
    for one, place in zip(found, (60, 0, 33), strict=True):
        np.testing.assert_array_equal(
            np.asarray(one.teacher_logits, np.float32), world.logits("teacher", "train")[place]
        )
        features = parsed[one.example_id.encode()]
        assert one.picture is None
        assert one.inputs == {
            "size_scaled": ", ".join(f"{value:.4g}" for value in features["size_scaled"]),
            "colour_index": str(features["colour_index"][0]),
        }


def test_soft_targets_in_a_smaller_form_are_read(world: World, tmp_path: Path):
    labelling = LabellingConfig(top_k=1, dtype="float16")
    form = form_of(labelling, shapes.TASK.objective)
    logits, ids = world.logits("teacher", "train"), list(by_id(world.transformed["train"]))
    examples = [attach_logits(*pair, form) for pair in zip(world.transformed["train"], logits, strict=True)]
    write_split(rehearsal.examples(tmp_path, ["train"]), "train", examples, "transformed_examples", 2)
    files = sorted(str(path) for path in tmp_path.rglob("*.gz"))

    [found] = soft_targets.read([Choice(ids[5].decode(), 0)], files, shapes.TASK, None, labelling)

    shares = [np.exp(one) / np.exp(one).sum(axis=1, keepdims=True) for one in (logits[5], found.teacher_logits)]
    best = shares[0].mean(axis=0).argmax()
    np.testing.assert_allclose(shares[1][:, best], shares[0][:, best], rtol=2e-3)


def test_an_example_with_a_teachers_logit_that_is_not_finite_is_left_out(world: World, tmp_path: Path):
    first, second = list(by_id(world.transformed["train"]))[:2]

    found = soft_targets.read(
        [Choice(first.decode(), 0), Choice(second.decode(), 0)], labelled(world, tmp_path, first), shapes.TASK
    )

    assert [one.example_id for one in found] == [second.decode()]


def test_a_task_with_a_picture_shows_it(world: World, tmp_path: Path):
    [example_id, *_] = by_id(world.transformed["train"])
    size = by_id(world.transformed["train"])[example_id]["size_scaled"]
    files = labelled(world, tmp_path)
    task = dataclasses.replace(shapes.TASK, picture=Picture("size_scaled", 2, 1, brightest=2))

    [found] = soft_targets.read([Choice(example_id.decode(), 0)], files, task)

    assert found.inputs == {}
    assert found.picture is not None
    np.testing.assert_allclose(found.picture.rows, np.clip([[size[0] / 2], [size[1] / 2]], 0, 1), atol=6e-5)
    wrong = dataclasses.replace(shapes.TASK, picture=Picture("size_scaled", 2, 2))
    with pytest.raises(TaskError, match="needs 4 numbers in each example, but an example holds 2 numbers"):
        soft_targets.read([Choice(example_id.decode(), 0)], files, wrong)


def test_nothing_is_read_where_nothing_was_chosen(tmp_path: Path):
    assert soft_targets.read([], [str(tmp_path / "missing.gz")], shapes.TASK) == ()

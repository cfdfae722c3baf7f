"""A search takes what is better on other examples, not what was lucky on these."""

import numpy as np
import pytest

from limbeck.objectives.registry import objective_of
from limbeck.task import Label
from limbeck.trainer.search.choice import Judged, advantage, best, choose, judge

CLASSES = Label("y", ("a", "b", "c"))


def judged(right, losses):
    right, losses = np.asarray(right, float), np.asarray(losses, float)
    return Judged(float(right.mean()), right - right.mean(), losses)


def test_more_right_answers_beyond_one_standard_error_win():
    base = judged([1] * 60 + [0] * 40, [1.0] * 100)
    three_better = judged([1] * 63 + [0] * 37, [1.5] * 100)
    assert advantage(three_better, base).convincing
    assert choose([base, three_better], reference=0) == 1


def test_one_answer_that_is_luckier_does_not_win_alone():
    base = judged([1] * 60 + [0] * 40, [1.0] * 100)
    # Two up and one down of 100: the difference of 1 point has a standard error of 1.7 points.
    two_changed = judged([0, *[1] * 61, *[0] * 38], [1.0] * 100)
    assert not advantage(two_changed, base).convincing
    assert choose([base, two_changed], reference=0) == 0


def test_a_lower_loss_decides_if_as_many_are_right():
    generator = np.random.default_rng(0)
    right, losses = np.array([1] * 60 + [0] * 40), generator.random(100)
    base, surer = judged(right, losses), judged(right, losses - 0.1 + 0.05 * generator.standard_normal(100))
    assert choose([base, surer], reference=0) == 1
    # But not if fewer are right.
    worse = judged([*right[:59], 0, *right[60:]], surer.losses)
    assert choose([base, worse], reference=0) == 0


def test_the_best_of_those_that_win_is_taken_and_the_lower_loss_of_equal_ones():
    base = judged([1] * 60 + [0] * 40, [1.0] * 100)
    good, better, sure = (
        judged([1] * right + [0] * (100 - right), [loss] * 100)
        for right, loss in ((65, 0.8), (70, 0.9), (70, 0.7))
    )
    assert choose([base, good, better], reference=0) == 2
    assert choose([base, better, sure], reference=0) == 2
    assert choose([base, sure, better], reference=0) == 1


def test_without_a_reference_the_best_is_taken():
    worse, better = judged([1, 0, 0, 0], [1.0] * 4), judged([1, 1, 0, 0], [1.0] * 4)
    assert choose([worse, better], reference=None) == 1


def test_a_student_that_broke_down_is_never_taken():
    base = judged([1, 0] * 20, [1.0] * 40)
    better = judged([1, 1, 1, 0] * 10, [0.5] * 40)
    assert choose([base, None], reference=0) == 0
    assert choose([None, better], reference=0) == 1
    assert choose([None, None], reference=0) is None
    assert best([None, base, better], 2) == [2, 1]


def test_a_measure_that_is_not_defined_leaves_the_choice_to_the_loss():
    nan = Judged(float("nan"), np.zeros(40), np.linspace(1.0, 1.1, 40))
    lower = Judged(float("nan"), np.zeros(40), np.linspace(0.5, 0.7, 40))
    assert choose([nan, lower], reference=0) == 1
    assert choose([lower, nan], reference=0) == 0


def test_students_are_judged_as_the_gate_judges_them():
    objective = objective_of(CLASSES)
    outputs = np.random.default_rng(0).standard_normal([50, 3]).astype(np.float32)
    labels = np.random.default_rng(1).integers(3, size=50)
    found = judge(objective, outputs, labels)
    assert found.value == pytest.approx(np.mean(outputs.argmax(axis=1) == labels))
    probabilities = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    assert found.loss == pytest.approx(-np.log(probabilities[np.arange(50), labels]).mean(), rel=1e-5)
    outputs[3, 1] = np.inf
    assert judge(objective, outputs, labels) is None


# The rule in a world where the truth is known: labels alone and three others, on so many validation examples.
EXAMPLES, DRAWS = 400, 400
# About one in ten of the answers of two students differs in right and wrong.
DIFFERING = 0.1


def simulated(gains, loss_gains):
    """Returns the mean true gain, in standard errors of the validation split, of what each rule takes.

    Args:
      gains: how much better than labels alone each other student is in truth, in accuracy.
      loss_gains: by how much its loss is lower in truth, in nats.
    """
    generator = np.random.default_rng(5)
    error = np.sqrt(DIFFERING / EXAMPLES)
    taken = {"ours": [], "best": [], "one standard error": []}
    for _ in range(DRAWS):
        base = judged(generator.random(EXAMPLES) < 0.9, 0.4 + 0.3 * generator.standard_normal(EXAMPLES))
        right = base.influence + base.value > 0.5
        others = []
        for gain, lower in zip(gains, loss_gains, strict=True):
            # Wrong answers become right, and right ones wrong, so that the mean difference is the gain.
            lost = generator.random(EXAMPLES) < (DIFFERING - gain) / 2 / 0.9
            won = generator.random(EXAMPLES) < (DIFFERING + gain) / 2 / 0.1
            losses = base.losses - lower + 0.2 * generator.standard_normal(EXAMPLES)
            others.append(judged(np.where(right, ~lost, won), losses))
        truth = [0.0, *gains]
        students = [base, *others]
        taken["ours"].append(truth[choose(students, reference=0)])
        taken["best"].append(truth[int(np.argmax([one.value for one in students]))])
        beyond = [
            one.value if number == 0 or advantage(one, base).measure > advantage(one, base).measure_error else -1.0
            for number, one in enumerate(students)
        ]
        taken["one standard error"].append(truth[int(np.argmax(beyond))])
    return {rule: float(np.mean(found) / error) for rule, found in taken.items()}


def test_soft_targets_that_hurt_are_hardly_ever_taken():
    # The table with all labels: about one point worse, and no lower loss.
    found = simulated([-0.015] * 3, [0.0, -0.02, -0.05])
    assert found["ours"] > -0.12
    assert found["ours"] > found["best"] + 0.1


def test_a_gain_that_right_and_wrong_cannot_show_is_taken_by_its_loss():
    found = simulated([0.01, 0.01, 0.01], [0.05] * 3)
    assert found["ours"] > found["one standard error"] + 0.1
    assert found["ours"] > 0.55


def test_a_large_gain_is_always_taken():
    assert simulated([0.08, 0.06, 0.06], [0.2] * 3)["ours"] > 4

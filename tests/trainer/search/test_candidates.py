"""Which losses a search tries, and which of the user's settings it leaves alone."""

import pytest

from limbeck.objectives.registry import objective_of
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.search import SearchConfig
from limbeck.task import Label
from limbeck.trainer.distillation.transfer.registry import assert_applicable
from limbeck.trainer.search.candidates import candidates, is_reference

USUAL = (2.0, 0.9)


def tried(config, search=None, *, tempered=True):
    found = candidates(config, search or SearchConfig(), tempered=tempered)
    assert not any(one.search for one in found)
    return [(one.temperature, one.alpha) for one in found]


def test_labels_alone_come_first_and_the_usual_loss_second():
    found = tried(DistillationConfig())
    assert found[:2] == [(2.0, 0.0), USUAL]
    grid = {(temperature, alpha) for temperature in (1.0, 2.0, 4.0) for alpha in (0.9, 0.5)}
    assert sorted(found[1:]) == sorted(grid)


@pytest.mark.parametrize(("config", "expected"), [
    (DistillationConfig(search=False), [USUAL]),
    (DistillationConfig(temperature=4.0, alpha=0.3, search=False), [(4.0, 0.3)]),
    (DistillationConfig(temperature=4.0, alpha=0.3), [(4.0, 0.3)]),
    (DistillationConfig(temperature=4.0), [(4.0, 0.0), (4.0, 0.9), (4.0, 0.5)]),
    (DistillationConfig(alpha=1.0), [(2.0, 1.0), (1.0, 1.0), (4.0, 1.0)]),
    # What changes from step to step is set.
    (DistillationConfig(alpha_end=0.0), [(2.0, 0.9), (1.0, 0.9), (4.0, 0.9)]),
    (DistillationConfig(temperature_end=1.0), [(2.0, 0.0), (2.0, 0.9), (2.0, 0.5)]),
    (DistillationConfig(temperature=4.0, alpha_end=0.0), [(4.0, 0.9)]),
    # Without soft targets, a temperature changes nothing.
    (DistillationConfig(alpha=0.0), [(2.0, 0.0)]),
])  # fmt: skip
def test_what_the_user_has_set_is_in_every_candidate(config, expected):
    assert tried(config) == expected


def test_a_label_without_probabilities_has_no_temperature():
    """A search that set one was refused by the objective, once the teachers were trained."""
    assert tried(DistillationConfig(), tempered=False) == [(None, 0.0), (None, 0.9), (None, 0.5)]
    objective = objective_of(Label("y", kind="number", objective="regression"))
    for one in candidates(DistillationConfig(), SearchConfig(), tempered=objective.wording.tempered):
        assert_applicable(one, objective)


def test_the_users_values_are_tried_instead_of_the_stock_ones():
    search = SearchConfig(temperatures=(3.0,), alphas=(0.0, 1.0))
    assert tried(DistillationConfig(), search) == [(2.0, 0.0), (3.0, 1.0)]


def test_only_labels_alone_are_what_others_must_beat():
    found = candidates(DistillationConfig(), SearchConfig(), tempered=True)
    assert [is_reference(one) for one in found] == [True] + [False] * (len(found) - 1)

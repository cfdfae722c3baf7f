"""A search keeps to its budget, whatever the data, and spends it on trainings to the end."""

from hypothesis import given
from hypothesis import strategies as st

from limbeck.trainer.data.order import Order
from limbeck.trainer.search.plan import plan


@given(
    st.integers(2, 40),
    st.floats(2, 12),
    st.integers(1, 5000),
    st.integers(1, 300),
    st.integers(1, 200),
)
def test_no_plan_is_above_its_budget(candidates, budget, examples, batch_size, epochs):
    order = Order(examples, batch_size, epochs, seed=0)
    found = plan(candidates, budget, order)
    assert found.steps <= budget * order.steps
    # Labels alone and one other are trained to their end, and nothing is tried twice for a short time.
    assert found.finalists[0] == 0
    assert len(found.finalists) + found.places >= 2
    everyone = [*found.finalists, *found.screened]
    assert len(set(everyone)) == len(everyone)
    assert set(everyone) <= set(range(candidates))
    assert found.places <= len(found.screened)
    if found.screened:
        assert set(everyone) == set(range(candidates))
        assert 0 < found.epochs < epochs
        assert found.short_steps == Order(examples, batch_size, found.epochs, seed=0).steps
    assert found.trials == len(found.finalists) + found.places + len(found.screened)


def test_all_are_trained_to_the_end_if_the_budget_allows():
    found = plan(5, 5.0, Order(100, 10, 3, seed=0))
    assert (found.finalists, found.screened, found.steps) == ((0, 1, 2, 3, 4), (), 150)


def test_the_budget_is_spent():
    # 20 epochs of 10 steps. Three to the end leave two trainings, 400 steps, to five short ones: 8 epochs each.
    found = plan(7, 5.0, Order(100, 10, 20, seed=0))
    assert (found.finalists, found.screened, found.places) == ((0, 1), (2, 3, 4, 5, 6), 1)
    assert (found.epochs, found.short_steps, found.steps) == (8, 80, 1000)


def test_a_training_of_one_epoch_has_no_short_trials():
    found = plan(7, 5.0, Order(100, 10, 1, seed=0))
    assert (found.finalists, found.screened, found.epochs) == ((0, 1, 2), (), 0)


def test_the_smallest_budget_compares_labels_alone_with_the_usual_loss():
    found = plan(7, 2.0, Order(100, 10, 20, seed=0))
    assert (found.finalists, found.screened, found.steps) == ((0, 1), (), 400)

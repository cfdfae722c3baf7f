"""What the taxi benchmark compares: the same trips, and the template's own preprocessing, model and label."""

import itertools

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmarks.taxi import main, stock
from limbeck.tasks.taxi import data


@pytest.fixture(scope="module")
def rows():
    divided = {split: [] for split in data.SHARES}
    for row in itertools.islice(data.trips(), 900):
        divided[data.split_of(row)].append(row)
    return divided


def test_the_way_of_payment_alone_is_told_by_the_training_trips(rows):
    said = main._by_payment(rows)
    card = [row for row in rows["train"] if row["payment_type"] == "Credit Card"]
    share = np.mean([data.is_big_tip(row) for row in card])
    for split, some in rows.items():
        assert [
            one for one, row in zip(said[split], some, strict=True) if row["payment_type"] == "Credit Card"
        ] == (pytest.approx([share] * sum(row["payment_type"] == "Credit Card" for row in some)))


def test_areas_are_of_the_task_s_label_over_all_trips_and_over_those_by_card(rows):
    generator = np.random.default_rng(2)
    said = {split: generator.random(len(some)) for split, some in rows.items()}
    areas = main._areas(rows, said)
    assert set(areas) == {"validation", "test"}
    labels = [float(row["tips"]) * 100 > float(row["fare"]) * 20 + 1e-6 for row in rows["test"]]
    assert areas["test"]["all"] == pytest.approx(roc_auc_score(labels, said["test"]))
    card = [row["payment_type"] == "Credit Card" for row in rows["test"]]
    assert areas["test"]["card"] == pytest.approx(roc_auc_score(np.array(labels)[card], said["test"][card]))


@pytest.mark.release
@pytest.mark.parametrize("name", stock.FORMS)
def test_the_template_learns_from_its_own_inputs(rows, name, tmp_path):
    form = stock.FORMS[name]
    made = stock.transform(form, rows, tmp_path)
    for split, some in rows.items():
        assert set(made.inputs[split]) == {
            f"{name}_xf" for name in (*form.numbers, *form.buckets, *form.integers, *form.texts)
        }
        # The template's label, in float32.
        tips, fare = (np.array([row[name] for row in some], np.float32) for name in ("tips", "fare"))
        np.testing.assert_array_equal(made.labels[split], tips > fare * np.float32(0.2))
        hours = [int(row["trip_start_hour"]) for row in some]
        np.testing.assert_array_equal(made.inputs[split]["trip_start_hour_xf"], hours)
    before, after = (stock.train(form, made, steps, seed=1) for steps in (1, 150))
    loss = [cross_entropy(made.labels["train"], said["train"]) for said in (before, after)]
    assert loss[1] < loss[0]
    assert after["test"].shape == (len(rows["test"]),)


def cross_entropy(labels, probabilities):
    clipped = np.clip(probabilities, 1e-6, 1 - 1e-6)
    return -np.mean(np.where(labels == 1, np.log(clipped), np.log(1 - clipped)))

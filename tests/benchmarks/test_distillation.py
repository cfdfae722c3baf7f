"""What the distillation benchmark makes of measurements."""

import pytest

from benchmarks.distillation import hinton, munge, stored
from benchmarks.distillation.main import parts


def test_the_share_of_the_gain_is_that_of_the_means():
    def run(baseline, ensemble, distilled):
        found = {f"ensemble of {size}": ensemble for size in hinton.SIZES}
        found |= {f"distilled from {size}": distilled for size in hinton.SIZES}
        return found | {"baseline": baseline}

    results = [
        {"table": "digits", "seed": 0, "accuracy": run(0.90, 0.94, 0.93)},
        {"table": "digits", "seed": 1, "accuracy": run(0.92, 0.94, 0.92)},
    ]
    found = hinton.lines(results)
    assert len(found) == 2 + 7
    assert found[2] == "| digits | baseline | 2 | 91.00 |  |  |"
    assert found[3] == "| digits | ensemble of 1 | 2 | 94.00 | +3.00 ± 1.00 |  |"
    assert found[4] == "| digits | distilled from 1 | 2 | 92.50 | +1.50 ± 1.50 | 0.50 |"
    none = hinton.lines([{"table": "digits", "seed": 0, "accuracy": run(0.9, 0.9, 0.95)}])
    assert none[4].endswith("| +5.00 ± 0.00 | no gain |")


@pytest.mark.parametrize(
    ("stored_epoch", "live", "labelling", "epoch"),
    [(1.0, 3.0, 4.0, 2), (1.0, 3.0, 4.1, 3), (1.0, 3.0, 0.1, 1), (1.0, 1.0, 4.0, None), (2.0, 1.0, 0.0, None)],
)
def test_storing_has_paid_when_labelling_and_epochs_take_no_longer(stored_epoch, live, labelling, epoch):
    assert stored.break_even(stored_epoch, live, labelling) == epoch
    if epoch is not None:
        assert labelling + epoch * stored_epoch <= epoch * live
        assert epoch == 1 or labelling + (epoch - 1) * stored_epoch > (epoch - 1) * live


def test_the_shortest_of_several_runs_counts_and_the_goal_is_judged():
    def run(seed, ratio, one, other, labelling):
        epoch = {"stored": one, "at each step": other}
        return {"ratio": ratio, "seed": seed, "labelling": labelling, "epoch": epoch, "examples": 5}

    found = stored.lines([run(0, 50, 1.2, 4.0, 7.0), run(1, 50, 1.0, 5.0, 6.0), run(0, 1, 1.0, 0.9, 5.0)])
    assert found[2] == "| 50 | 1.000 | 4.000 | 0.25 | 6.00 | 2 |"
    assert found[3] == "| 1 | 1.000 | 0.900 | 1.11 | 5.00 | never |"
    assert found[-1].endswith("at a teacher 50 times the student, is reached.")


def test_munge_is_compared_with_the_rows_that_there_are():
    accuracy = {"teachers": 0.97, "labels": 0.9, "stored, alpha 0.9": 0.91, "stored, alpha 1": 0.92, "munge": 0.95}
    found = munge.lines([{"table": "wine", "seed": 0, "accuracy": accuracy}])
    assert found[2] == "| wine | 1 | 97.00 | 90.00 | 91.00 | 92.00 | 95.00 | +3.00 ± 0.00 |"


def test_each_part_has_what_it_measures():
    assert list(parts()) == ["hinton", "stored", "munge"]

"""What the distillation benchmark makes of measurements."""

import numpy as np
import pytest

from benchmarks.distillation import few_labels, hinton, keras_side, munge, peer, stored, tuning
from benchmarks.distillation.main import parts
from benchmarks.search import tasks
from limbeck.trainer.search import choice


def test_the_share_of_the_gain_is_that_of_the_means():
    def run(baseline, ensemble, distilled):
        found = {f"ensemble of {size}": ensemble for size in hinton.SIZES}
        found |= {f"{way} from {size}": distilled for size in hinton.SIZES for way in hinton.WAYS}
        return found | {"baseline": baseline}

    chosen = {f"{way} from {size}": "T 1, alpha 0.5" for size in hinton.SIZES for way in hinton.WAYS}
    results = [
        {"table": "digits", "seed": 0, "accuracy": run(0.90, 0.94, 0.93), "chosen": chosen},
        {
            "table": "digits",
            "seed": 1,
            "accuracy": run(0.92, 0.94, 0.92),
            "chosen": chosen | {"searched from 1": "labels alone"},
        },
    ]
    found = hinton.lines(results)
    assert len(found) == 2 + 1 + 3 * 4 + 3 + 3 * 2
    assert found[2] == "| digits | baseline | 2 | 91.00 |  |  |"
    assert found[3] == "| digits | ensemble of 1 | 2 | 94.00 | +3.00 ± 1.00 |  |"
    assert found[4] == "| digits | distilled from 1 | 2 | 92.50 | +1.50 ± 1.50 | 0.50 |"
    assert "| digits | searched from 1 | T 1, alpha 0.5 (1), labels alone (1) |" in found
    none = hinton.lines([{"table": "digits", "seed": 0, "accuracy": run(0.9, 0.9, 0.95), "chosen": chosen}])
    assert none[4].endswith("| +5.00 ± 0.00 | no gain |")


def judged(right):
    """A student that is right for the first so many of 40 examples, and sure of it."""
    labels = np.zeros(40, np.int64)
    logits = np.where(np.arange(40)[:, np.newaxis] < right, [[4.0, 0.0]], [[0.0, 4.0]])
    found = choice.judge(tasks.BREAST_CANCER.objective, logits, labels)
    assert found is not None
    return found


def test_the_best_student_and_the_one_that_the_search_takes_may_differ():
    """A lead of two examples is the best, and may be chance."""
    labels = tuning.Student("labels alone", judged(20), 0.5)
    near, far = tuning.Student("near", judged(22), 0.6), tuning.Student("far", judged(36), 0.9)
    assert tuning.best([near, labels]) is near
    assert tuning.searched(labels, [near]) is labels
    assert tuning.searched(labels, [near, far]) is far


def test_soft_targets_are_compared_run_by_run():
    def run(seed, soft, pseudo):
        accuracy = {
            "teachers": 0.9,
            "few labels": 0.5,
            "pseudo-labels": pseudo,
            "soft targets": soft,
            "all labels": 0.8,
        }
        chosen = dict.fromkeys(few_labels.STUDENTS, "rate 0.01")
        return {"table": "few_letters", "seed": seed, "accuracy": accuracy, "chosen": chosen, "examples": 100}

    found = few_labels.lines([run(0, 0.86, 0.82), run(1, 0.84, 0.82), run(2, 0.82, 0.82)])
    assert found[2] == "| few_letters | 3 | 100 | 90.00 | 50.00 | 82.00 | 84.00 | 80.00 | 0.85 |"
    # The signs of 4, 2 and 0 rows: 4 of 8 choices have a sum of 6 at least, whatever the sign of 0.
    assert "| few_letters | soft targets − pseudo-labels | +2.00 ± 1.15 | 2 / 1 / 0 | 0.500 |" in found
    assert found[-1] == "| few_letters | all labels | rate 0.01 (3) |"


def test_the_shortest_epoch_of_the_peer_counts():
    def run(seed, ours, theirs):
        epoch = {"stored": ours, "at each step": 2 * ours} | {f"Keras, {way}": theirs for way in keras_side.WAYS}
        accuracy = {"teacher": 0.9, "ours": 0.7, "Keras, KLDivergence()": 0.72, "Keras, default": 0.3}
        return {"pair": "256 to 16", "seed": seed, "version": "3.12.4", "epoch": epoch, "accuracy": accuracy}

    found = peer.lines([run(0, 0.02, 0.1), run(1, 0.01, 0.05)])
    assert found[2].endswith("| 0.20 | 0.40 |")
    assert found[6] == "| 256 to 16 | 2 | 90.00 | 70.00 | 72.00 | 30.00 | -2.00 ± 0.00 |"
    assert found[-1] == "Keras 3.12.4."


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
    assert list(parts()) == ["hinton", "stored", "few_labels", "keras", "munge"]

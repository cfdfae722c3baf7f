"""What the languages benchmark makes of answers."""

import numpy as np
import pytest

from benchmarks.languages import from_scratch, tables, training
from benchmarks.languages.counts import accuracies
from limbeck.tasks import languages
from limbeck.tasks.languages.selection import Sentence

LABELS = np.array([0, 1, 2, 3, 0, 1, 2, 3])


def answers(right):
    """Logits for LABELS that are right for so many examples, and put the right class last for the others."""
    logits = np.tile(np.arange(4.0), (len(LABELS), 1))
    logits[np.arange(len(LABELS)), LABELS] = [9] * right + [-9] * (len(LABELS) - right)
    return logits


def all_answers(seeds, **right):
    """All models are right for 4 of 8 examples, but for those that are named by their kind."""
    names = training.students(searched=True)
    found = {name: [answers(right.get(name.split(" ")[0], 4)) for _ in range(seeds)] for name in names}
    return {training.TEACHER: [answers(8 - seed) for seed in range(seeds)], **found}


def test_a_student_is_compared_with_the_teacher_of_its_seed():
    lines = tables.accuracies(all_answers(2), LABELS)
    assert len(lines) == 2 + 1 + 8 + 5
    # 8 and 7 of 8 right answers; what is wrong is last of four.
    assert lines[2] == "| teacher | 2 | 0.9375 ± 0.0884 |  | 0.9375 ± 0.0884 |"
    # 4 of 8 and 4 of 7: 50 % and 57.1 %.
    assert lines[3].endswith("| 2 | 0.5000 ± 0.0000 | 53.6 % ± 5.1 | 0.5000 ± 0.0000 |")


def test_students_with_one_beginning_are_compared():
    lines = tables.differences(all_answers(3, soft=6, pseudo=4, triple=5), LABELS, ["a"] * 4 + ["b"] * 4)
    assert len(lines) == 2 + 2 * 5
    assert lines[2].startswith(
        "| teacher's blocks | soft targets − labels alone | +25.00 ± 0.00 | 3 / 0 / 0 | 0.250 |"
    )
    # The sixth example and the fifth are of message b; a draw may hold it twice or not at all.
    assert lines[2].endswith("| +0.00 to +50.00 |")
    assert lines[6].startswith("| teacher's blocks | triple loss − soft targets | -12.50 ± 0.00 | 0 / 0 / 3 |")


def test_an_interval_over_messages_is_wider_where_a_message_is_right_as_a_whole():
    """40 sentences of 20 messages, half right: both of a message, or one of each."""
    messages = [f"{number // 2}" for number in range(40)]
    whole = tables.over_messages(np.array([1.0, 1.0, 0.0, 0.0] * 10), messages)
    mixed = tables.over_messages(np.array([1.0, 0.0] * 20), messages)
    assert mixed == (0.5, 0.5)
    # The standard error of the mean of 20 coins.
    assert whole[0] == pytest.approx(0.5 - 1.96 * 0.5 / 20**0.5, abs=0.04)
    assert whole[1] == pytest.approx(0.5 + 1.96 * 0.5 / 20**0.5, abs=0.04)


def test_the_search_takes_what_beats_labels_alone_on_the_validation_split():
    objective = languages.TASK.objective
    numbers = np.random.default_rng(0)
    labels = numbers.integers(len(languages.data.LANGUAGES), size=400)

    def logits(share):
        found = numbers.normal(size=[400, len(languages.data.LANGUAGES)])
        found[np.arange(400), labels] += np.where(np.arange(400) < 400 * share, 9, -9)
        return found

    names = [name for name in training.students(searched=True) if "scratch" not in name]
    judged = {name: [logits(0.9 if name == "T 1, alpha 0.5" else 0.5)] for name in names}
    lines = tables.choices(judged, labels, judged, labels, objective)
    assert len(lines) == 2 + 7
    taken = [line for line in lines if "| yes |" in line]
    assert len(taken) == 1
    assert "| T 1, alpha 0.5 | 90.00 | +40.00 |" in taken[0]


def test_sentences_in_another_order_than_the_examples_are_refused():
    sentences = [Sentence("m", "af", "x"), Sentence("n", "ar", "y")]
    assert training.messages(sentences, np.array([0, 1])) == ["m", "n"]
    with pytest.raises(SystemExit, match="another order"):
        training.messages(sentences, np.array([1, 0]))


def test_the_triple_loss_has_the_weights_of_distilbert():
    loss = training.TRIPLE
    soft, hard, cosine = (
        loss.used_alpha * loss.weights["soft_target"],
        1 - loss.used_alpha,
        loss.used_alpha * loss.weights["hidden_cosine"],
    )
    assert (soft / cosine, hard / cosine, loss.used_temperature) == (pytest.approx(5), pytest.approx(2), 2.0)


def test_counting_pairs_of_characters_tells_what_single_ones_cannot():
    """Both languages have the same characters, as often."""
    texts = [("x", "ab ab ab"), ("y", "ba ba ba")] * 3
    sentences = [Sentence(f"message {number}", *one) for number, one in enumerate(texts)]
    divided = dict.fromkeys(("train", "validation", "test"), sentences)
    assert accuracies(divided, 2) == {"validation": 1.0, "test": 1.0}
    assert accuracies(divided, 1) == {"validation": 0.5, "test": 0.5}


def test_the_form_from_scratch_differs_in_the_beginning_alone():
    assert from_scratch.TASK.initialise_student is None
    for part in ("features", "label", "preprocessing_fn", "build_teacher", "build_student", "hints", "write_data"):
        assert getattr(from_scratch.TASK, part) is getattr(languages.TASK, part)

"""What the languages benchmark says of the reports that it is given."""

import pytest

from benchmarks.languages import from_scratch, main
from benchmarks.languages.counts import accuracies
from limbeck.tasks import languages
from limbeck.tasks.languages.selection import Sentence


def report(accuracy):
    """The teacher is twice as slow and has 100 weights."""
    models = {
        name: {"metrics": {"accuracy": accuracy - 0.1}, "parameters": 59, "latency_ms_p50": 2.0}
        for name in ("student", "student_hard_labels", "student_pseudo_labels")
    }
    teacher = {"metrics": {"accuracy": accuracy}, "parameters": 100, "latency_ms_p50": 4.0}
    return {"models": {"teacher": teacher, **models}}


def test_a_student_is_compared_with_the_teacher_of_its_run():
    reports = {(form, seed): report(0.8 + 0.1 * seed) for form in ("task", "from_scratch") for seed in range(2)}
    lines = main.table(reports, 2)
    assert len(lines) == 2 + 7
    assert lines[2] == "| teacher | 2 | 0.8500 ± 0.0707 |  |  |  |"
    # 0.7 of 0.8 and 0.8 of 0.9: 87.5 % and 88.9 %.
    assert lines[3].endswith("| 2 | 0.7500 ± 0.0707 | 88.2 % ± 1.0 | 41 % | 2.00 ± 0.00 |")


def test_teachers_of_one_seed_must_be_one():
    main._assert_one_teacher([report(0.8), report(0.8)], 0)
    with pytest.raises(SystemExit, match="seed 3 must have one teacher"):
        main._assert_one_teacher([report(0.8), report(0.81)], 3)


def test_counting_pairs_of_characters_tells_what_single_ones_cannot():
    """Both languages have the same characters, as often."""
    texts = [("x", "ab ab ab"), ("y", "ba ba ba")] * 3
    sentences = [Sentence(f"message {number}", *one) for number, one in enumerate(texts)]
    divided = dict.fromkeys(("train", "validation", "test"), sentences)
    assert accuracies(divided, 2) == {"validation": 1.0, "test": 1.0}
    assert accuracies(divided, 1) == {"validation": 0.5, "test": 0.5}


def test_the_form_from_scratch_differs_in_the_beginning_alone():
    assert from_scratch.TASK.initialise_student is None
    for part in ("features", "label", "preprocessing_fn", "build_teacher", "build_student", "write_data"):
        assert getattr(from_scratch.TASK, part) is getattr(languages.TASK, part)

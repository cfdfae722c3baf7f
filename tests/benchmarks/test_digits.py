"""The benchmark of the digits: its statistics, its plan, its resumption, and once all of it."""

import dataclasses
import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from benchmarks.digits import plan, significance
from benchmarks.digits.cores import one_a_core
from benchmarks.digits.plan import Training
from benchmarks.digits.results import Figures, Result, Results
from benchmarks.digits.tuning import Trial, best
from benchmarks.digits.variants import DISTILLED, HARD, ORACLE, VARIANTS, Setting
from limbeck.models import TEACHER
from limbeck.records import from_mapping
from limbeck.settings.config import Config
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.teachers import TeachersConfig
from limbeck.settings.training import TrainingConfig
from limbeck.trainer.data.packed import PackedExamples

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "digits" / "main.py"
# Of the digits task as it is shipped.
CONFIG_RATE = 0.01
CONFIG = Config(teachers=TeachersConfig(count=5, epochs=30))


@pytest.mark.parametrize("runs", [2, 7, 10, 12])
def test_the_sign_flip_test_agrees_with_that_of_scipy(runs: int):
    generator = np.random.default_rng(runs)
    for _ in range(5):
        differences = generator.integers(-3, 6, runs)
        expected = scipy.stats.permutation_test(
            (differences, np.zeros(runs, int)),
            lambda one, other, axis: np.sum(one - other, axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=np.inf,
        )
        # SciPy doubles the smaller tail; for a sum that flips sign with its signs that is the same.
        assert significance.sign_flip_p_value(differences) == pytest.approx(expected.pvalue, abs=1e-12)


def test_many_runs_are_sampled_to_nearly_the_exact_p_value():
    differences = np.random.default_rng(3).integers(-4, 6, 18)
    signs = 1 - 2 * (np.arange(1 << 18)[:, None] >> np.arange(18) & 1)
    exact = np.mean(np.abs(signs @ differences) >= abs(differences.sum()))

    assert 0.02 < exact < 0.98
    assert significance.sign_flip_p_value(differences) == pytest.approx(exact, abs=0.01)


def test_ten_wins_of_ten_are_as_sure_as_ten_runs_can_be():
    assert significance.sign_flip_p_value(np.arange(1, 11)) == 2 / 1024
    assert significance.sign_flip_p_value(np.zeros(10, int)) == 1.0


def test_the_interval_over_images_is_that_of_scipys_paired_bootstrap():
    right = answers({"one": 0.95, "other": 0.85}, runs=4, images=250)
    found = significance.Bootstrap.of(right).difference_over_images("one", "other")

    each_image = right["one"].mean(axis=0) - right["other"].mean(axis=0)
    expected = scipy.stats.bootstrap(
        [each_image], np.mean, n_resamples=20_000, method="percentile", random_state=1
    ).confidence_interval
    assert found.value == pytest.approx(each_image.mean())
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.002)


def test_the_gap_over_runs_is_that_of_scipys_paired_bootstrap():
    right = answers({"teacher": 0.99, "student": 0.97, "hard": 0.9}, runs=10, images=250)
    found = significance.Bootstrap.of(right).gap_recovered("student", "hard", "teacher")

    def share(student, hard, teacher, axis=-1):
        return (student.mean(axis) - hard.mean(axis)) / (teacher.mean(axis) - hard.mean(axis))

    each = [right[name].mean(axis=1) for name in ("student", "hard", "teacher")]
    expected = scipy.stats.bootstrap(
        each, share, paired=True, vectorized=True, n_resamples=20_000, method="percentile", random_state=1
    ).confidence_interval
    assert found.over_runs.value == found.over_images.value == pytest.approx(share(*each))
    assert (found.over_runs.low, found.over_runs.high) == pytest.approx((expected.low, expected.high), abs=0.01)
    np.testing.assert_allclose(found.each, [(s - h) / (t - h) for s, h, t in zip(*each, strict=True)])


def test_the_gap_of_the_speech_recognizer_that_the_goal_comes_from():
    # Hinton et al. (2015), section 4: 58.9 % for one model, 61.1 % for ten, 60.8 % distilled; of 1,000 frames.
    right = {
        name: np.arange(1000)[np.newaxis] < count
        for name, count in {"single": 589, "distilled": 608, "ensemble": 611}.items()
    }
    gap = significance.Bootstrap.of(right).gap_recovered("distilled", "single", "ensemble")
    assert gap.over_runs.value == pytest.approx(0.864, abs=0.001)


def test_a_difference_counts_the_runs_on_each_side():
    student = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0]], bool)
    control = np.array([[1, 0, 0, 0], [0, 1, 1, 0], [1, 1, 0, 1]], bool)
    right = {"student": student, "control": control}

    found = significance.difference(right, significance.Bootstrap.of(right), "student", "control")

    assert (found.better, found.equal, found.worse) == (1, 1, 1)
    assert found.value == pytest.approx(0.0)
    assert found.p_value == 1.0


def answers(accuracies: dict[str, float], runs: int, images: int) -> dict[str, np.ndarray]:
    """Answers of models that share what is hard about an image."""
    generator = np.random.default_rng(5)
    hardness = 0.7 * generator.random(images)
    return {
        name: hardness + 0.3 * generator.random([runs, images]) < np.quantile(hardness, accuracy) + 0.1
        for name, accuracy in accuracies.items()
    }


def test_no_teacher_is_part_of_two_ensembles():
    trained = plan.full(CONFIG, "code", 10).all_teachers()
    seeds = [one.training.seed + member for one in trained for member in range(one.members)]

    assert len(seeds) == (10 + 3) * 5 == len(set(seeds))


def test_every_variant_is_tried_as_often_on_runs_that_have_no_part_in_the_final_figures():
    full = plan.full(CONFIG, "code", 10)
    tried = full.tuning()

    assert {variant.name: sum(one.model == variant.name for one in tried) for variant in VARIANTS} == {
        a.name: 18 for a in VARIANTS
    }
    assert len(set(tried)) == len(tried)
    assert not any(one.final for one in tried)
    assert not {one.run for one in tried} & set(full.runs)
    assert all(
        full.student(variant, full.grid(variant)[0], run).final for variant in VARIANTS for run in full.runs
    )


def test_students_of_a_run_share_steps_and_initial_weights_and_learn_from_its_teachers():
    full = plan.full(CONFIG, "code", 10)
    students = [full.student(variant, setting, 3) for variant in VARIANTS for setting in full.grid(variant)]

    assert len({(one.training.seed, one.training.epochs, one.training.batch_size) for one in students}) == 1
    teachers = {one.model: one.teachers for one in students}
    assert teachers == {
        "student": full.teachers(3).key,
        "student_pseudo_labels": full.teachers(3).key,
        "student_hard_labels": "",
        "student_all_labels": "",
    }
    assert full.teachers(3).key != full.teachers(4).key


def test_the_shipped_setting_is_among_those_that_are_tried():
    from limbeck.cli import settings
    from limbeck.reference import TaskRef

    full = plan.full(settings.load(TaskRef("limbeck.tasks.digits"), None, []), "code", 1)
    assert full.shipped in full.grid(DISTILLED)


def test_the_most_accurate_setting_is_chosen_and_among_equals_that_of_lowest_log_loss():
    figures = [Figures(0.9, 0.3), Figures(0.96, 0.2), Figures(0.93, 0.5)]
    trials = {
        Setting(0.1): Trial.of([Figures(0.92, 0.01)]),
        # The same answers in another order of the runs: rounding must not decide.
        Setting(0.2): Trial.of(figures),
        Setting(0.3): Trial.of([Figures(one.accuracy, one.log_loss - 0.1) for one in reversed(figures)]),
        Setting(0.4): Trial.of(figures[1:] + figures[:1]),
    }
    assert best(trials) == Setting(0.3)


def result(run: int, test_right: str = "1101") -> Result:
    training = Training(
        model="student",
        run=run,
        final=True,
        targets="soft_targets",
        training=TrainingConfig(seed=run),
        members=1,
        distillation=DistillationConfig(),
        teachers="7",
        code="8",
    )
    return Result(training, 1.5, None, Figures(0.5, 0.7), Figures(0.75, 0.1 + 0.2), test_right)


def test_a_result_whose_line_was_torn_is_done_again_and_the_others_are_not(tmp_path: Path):
    file = tmp_path / "results.jsonl"
    first, second, third = (result(run) for run in range(3))
    written = Results(file)
    written.add(first)
    whole = len(file.read_bytes())
    written.add(second)
    everything = file.read_bytes()

    for size in range(whole, len(everything) - 1):
        file.write_bytes(everything[:size])
        resumed = Results(file)
        assert resumed[first.training] == first
        assert second.training not in resumed
        resumed.add(third)
        resumed.add(second)
        again = Results(file)
        assert [again[one.training] for one in (first, second, third)] == [first, second, third]


def test_a_training_of_other_code_or_settings_is_another_one(tmp_path: Path):
    results = Results(tmp_path / "results.jsonl")
    results.add(result(0))

    assert result(0).training in results
    full, other = (plan.full(CONFIG, code, 1) for code in ("code", "other code"))
    assert full.teachers(0) != other.teachers(0)
    assert full.teachers(0) != plan.quick(CONFIG, "code", 1).teachers(0)


def test_each_job_has_a_core_of_its_own():
    mine = os.sched_getaffinity(0)
    together = threading.Barrier(len(mine), timeout=30)
    given: list[frozenset[int]] = []

    def work(_: int) -> frozenset[int]:
        together.wait()
        return frozenset(os.sched_getaffinity(0))

    one_a_core(range(2 * len(mine)), work, given.append)

    assert sorted(given, key=sorted) == sorted(2 * [frozenset({core}) for core in mine], key=sorted)
    assert os.sched_getaffinity(0) == mine


def test_after_a_failure_no_further_job_is_begun():
    begun: queue.SimpleQueue[int] = queue.SimpleQueue()
    others = threading.Event()

    def work(number: int) -> None:
        begun.put(number)
        if number == 0:
            raise ValueError("broken")
        others.wait(0.1)

    with pytest.raises(ValueError, match="broken"):
        one_a_core(range(1000), work, lambda _: None)
    assert begun.qsize() < 1000


def test_help_does_not_wait_for_tensorflow():
    done = subprocess.run(
        [sys.executable, "-X", "importtime", str(PROGRAM), "--help"], capture_output=True, text=True, check=True
    )
    assert "--seeds" in done.stdout
    assert "tensorflow" not in done.stderr
    assert "pydantic" not in done.stderr


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("benchmark")


@pytest.fixture(scope="module")
def printed(work: Path) -> str:
    return start(work)


def start(work: Path) -> str:
    """A benchmark of one run that trains next to nothing; what it prints."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "--work", str(work), "--seeds", "1", "--quick"],
        capture_output=True,
        text=True,
        cwd=work.parent,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{done.stderr}\n{(work / 'log.txt').read_text(errors='replace')[-3000:]}"
    return done.stdout


@pytest.mark.release
@pytest.mark.processes
def test_the_figures_are_those_of_the_results(printed: str, work: Path):
    results = [json.loads(line) for line in (work / "results.jsonl").read_text().splitlines()]
    final = {
        (one["training"]["model"], one["training"]["training"]["learning_rate"]): one
        for one in results
        if one["training"]["final"]
    }
    assert all(not one["test_right"] and one["test"] is None for one in results if not one["training"]["final"])
    heads, _, *lines = next(table for table in printed.split("\n\n") if "test accuracy, %" in table).splitlines()
    assert heads.startswith("| model | setting |")
    models = [(TEACHER, CONFIG_RATE), *((variant.name, variant.grid[0].learning_rate) for variant in VARIANTS)]
    models.append((DISTILLED.name, CONFIG_RATE))
    assert len(lines) == len(models) == len(final)
    for line, model in zip(lines, models, strict=True):
        right = final[model]["test_right"]
        assert len(right) == 250
        assert final[model]["test"]["accuracy"] == pytest.approx(right.count("1") / 250)
        assert f"learning rate {model[1]:g}" in line
        assert f"| {100 * right.count('1') / 250:.1f} |" in line


@pytest.mark.release
@pytest.mark.processes
def test_the_arms_are_told_the_labels_that_they_should_be(printed: str, work: Path):
    [packed] = work.glob("*/packed")
    labelled = {}
    for folder in packed.iterdir():
        examples = PackedExamples(folder)
        labelled[folder.name] = int(examples.labelled(np.arange(len(examples))).sum())

    soft_targets = {labelled.pop(name) for name in set(labelled) - {TEACHER, HARD.name, ORACLE.name}}
    assert labelled == {TEACHER: 1297, HARD.name: 150, ORACLE.name: 1297}
    assert soft_targets == {150}


@pytest.mark.release
@pytest.mark.processes
def test_a_benchmark_that_was_killed_while_it_wrote_goes_on_and_ends_with_the_same_figures(
    printed: str, work: Path
):
    file = work / "results.jsonl"
    before = file.read_bytes()
    last = from_mapping(Result, json.loads(before.splitlines()[-1]))
    assert printed == (work / "figures.md").read_text()
    file.write_bytes(before[:-40])

    again = start(work)

    assert again == (work / "figures.md").read_text()
    assert again.rpartition("\n\n")[0] == printed.rpartition("\n\n")[0]
    # What was finished is not done again.
    assert file.read_bytes().startswith(before[:-40] + b"\n")
    [redone] = file.read_bytes()[len(before) - 39 :].splitlines()
    assert from_mapping(Result, json.loads(redone)) == dataclasses.replace(
        last, seconds=json.loads(redone)["seconds"]
    )

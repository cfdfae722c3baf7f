"""What the sections of the page say, against computations of their own."""

import dataclasses
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limbeck.compression_record import CompressionRecord, FileSize, RecipeSearch, StoredTensor, TriedRecipe
from limbeck.report import figures, html
from limbeck.report.findings import (
    Confusion,
    CurvePoint,
    Findings,
    LabelFigures,
    Slice,
    SoftTarget,
    ValidationFigures,
)
from limbeck.report.schema import Report, Stage
from limbeck.report.sections import (
    calibration,
    compression,
    configuration,
    confusions,
    generations,
    labels,
    learning,
    quality,
    search,
    slices,
    softness,
    work,
)
from limbeck.settings.config import Config
from limbeck.settings.containers import ContainerConfig
from limbeck.settings.labelling import LabellingConfig
from limbeck.settings.training import TrainingConfig
from limbeck.trainer.distillation.generation_record import Generation
from limbeck.trainer.distillation.stored.record import StoredRecord
from tests.report import sample_report

RECORD = CompressionRecord(
    "int8",
    FileSize(4_000, 1_250),
    FileSize(10_600, 9_500),
    tuple(
        StoredTensor(f"kernel-{size}", (size, 10), "int8", 10 * size, 3 * size, 17) for size in range(20, 0, -1)
    ),
    ("SOFTMAX",),
    ("The first layer <b> was left.",),
)
SAMPLE = sample_report.whole()
LOGITS = st.lists(st.floats(-50, 50), min_size=4, max_size=4)


def with_findings(**parts: object) -> Report:
    """The sample with findings of these parts alone."""
    return dataclasses.replace(SAMPLE, findings=Findings(**({"classes": ("a", "b")} | parts)))


def confusion(names: tuple[str, ...], counts: np.ndarray) -> Confusion:
    """From an array."""
    return Confusion(names, tuple(map(tuple, counts.tolist())))


@given(st.lists(LOGITS, min_size=1, max_size=5), st.floats(0.1, 20))
def test_a_soft_target_is_the_mean_of_the_members_softmax(logits: list[list[float]], temperature: float):
    powers = np.exp(np.array(logits) / temperature)
    expected = (powers / powers.sum(axis=1, keepdims=True)).mean(axis=0)

    assert softness.probabilities(logits, temperature) == pytest.approx(expected.tolist(), rel=1e-9, abs=1e-12)


def test_large_logits_do_not_overflow():
    assert softness.probabilities([[2000.0, 0.0]], 0.5) == pytest.approx([1.0, 0.0])


def test_the_bars_are_those_of_the_most_probable_classes_at_the_temperature_of_the_run():
    target = SoftTarget("1", "b", ((0.0, 2.0, 1.0, -1.0), (0.0, 1.0, 2.0, -1.0)))
    report = with_findings(classes=("a", "b", "c", "d"), soft_targets=(target,))

    section = softness.view(report)

    assert section is not None
    bars = section.examples[0].bars
    expected = np.exp(np.array(target.teacher_logits) / SAMPLE.config.distillation.temperature)
    expected = (expected / expected.sum(axis=1, keepdims=True)).mean(axis=0)
    assert [bar.name for bar in bars] == ["b", "c", "a"]
    assert [bar.probability for bar in bars] == pytest.approx(expected[[1, 2, 0]].tolist())
    assert [bar.labelled for bar in bars] == [True, False, False]


def test_inputs_that_are_not_raw_are_called_transformed():
    raw = SoftTarget("1", "b", ((1.0, 0.0),), inputs={"fare": "14.85"}, raw=True)
    transformed = SoftTarget("2", "b", ((1.0, 0.0),), inputs={"fare": "-0.41"})

    def page(*targets: SoftTarget) -> str:
        return html.render(with_findings(classes=("a", "b"), soft_targets=targets))

    assert "transformed:" not in page(raw)
    assert page(raw, transformed).count("As the models receive it, transformed:") == 1


def test_the_page_says_how_soft_targets_were_stored():
    target = SoftTarget("id", "a", ((2.0, 1.0),))
    record = StoredRecord(LabellingConfig(top_k=1, dtype="float16"), 2, 98, 30, 40_000)

    def page(stored: StoredRecord) -> str:
        text = html.render(with_findings(soft_targets=(target,), stored=stored))
        return " ".join(text.replace("\u202f", " ").replace("\u00a0", " ").split())

    assert "stored as the most probable of 98 classes and the rest, as float16: 30 B an example, where" in page(
        record
    )
    assert "float32 take 784 B. The files of the training split take 40.0 kB." in page(record)
    assert "stored as" not in page(StoredRecord(outputs=98))


@pytest.mark.parametrize(
    ("label", "bars", "says"),
    [
        ("4", [("4", 0.8), ("9", 0.18)], "a 4 that has something of a 9 (18 %)"),
        ("8", [("8", 0.8), ("11", 0.18)], "an 8 that has something of an 11 (18 %)"),
        ("apple", [("apple", 0.8), ("pear", 0.1)], "an apple that has something of a pear (10 %)"),
        ("no tip", [("no tip", 0.8), ("tip", 0.2)], "“no tip” that has something of a tip (20 %)"),
        ("3", [("7", 0.6), ("3", 0.3)], "labelled 3, but its teachers see a 7 (60 %)"),
        ("4", [("4", 0.999), ("9", 0.001)], "a 4, and hardly anything else"),
    ],
)
def test_a_soft_target_in_words(label: str, bars: list[tuple[str, float]], says: str):
    made = [softness.Bar(name, share, name == label) for name, share in bars]

    assert softness.sentence(label, made).replace("\u00a0", " ") == says


@given(st.lists(st.tuples(st.integers(1, 50), st.floats(0, 10)), min_size=1, max_size=60), st.integers(1, 20))
def test_thinned_points_are_means_over_the_steps(steps_and_losses: list[tuple[int, float]], most: int):
    steps, losses = (
        np.array([step for step, _ in steps_and_losses]),
        np.array([loss for _, loss in steps_and_losses]),
    )
    points = [CurvePoint(int(end), float(loss)) for end, loss in zip(steps.cumsum(), losses, strict=True)]

    thinned = learning.thin(points, most)

    assert len(thinned) <= most
    assert thinned[-1].step == points[-1].step
    # The loss at each step, and its mean up to each point.
    each = np.repeat(losses, steps)
    begins = [0, *(point.step for point in thinned[:-1])]
    expected = [each[begin : point.step].mean() for begin, point in zip(begins, thinned, strict=True)]
    assert [point.loss for point in thinned] == pytest.approx(expected, abs=1e-9)


def test_an_ensemble_has_a_line_for_each_member():
    section = learning.view(SAMPLE)

    assert section is not None
    panels = section.panels
    assert [panel.caption.replace("\u00a0", " ") for panel in panels] == [
        "teacher, 5 members",
        "student",
        "student on hard labels",
        "student on pseudo-labels",
    ]
    assert [panel.picture.count("<polyline") for panel in panels] == [5, 1, 1, 1]


def test_figures_of_the_validation_split_have_a_row_for_each_member():
    teachers = (ValidationFigures(3, 20, {"top_3": 0.875, "odd": None}), ValidationFigures(6, 20, {"top_3": 1.0}))
    report = with_findings(
        curves={"student": ((CurvePoint(3, 1.0),),)},
        validation={"student": (ValidationFigures(1234, 9, {"log_loss": 0.0123456}),), "teacher": teachers},
    )

    section = learning.view(report)

    assert section is not None
    assert section.metrics == ("log_loss", "top_3", "odd")
    assert [(row.caption, row.step, row.examples, row.values) for row in section.validations] == [
        ("teacher, member 1", 3, 20, ("undefined", "0.875", "undefined")),
        ("teacher, member 2", 6, 20, ("undefined", "1", "undefined")),
        ("student", 1234, 9, ("0.01235", "undefined", "undefined")),
    ]
    page = html.render(report)
    assert ">0.01235</td>" in page and ">top_3</th>" in page and ">1,234</td>" in page
    assert "Figures of the validation split" not in html.render(SAMPLE)


def test_mistakes_are_those_off_the_diagonal_the_most_frequent_first():
    counts = np.random.default_rng(0).integers(0, 9, (4, 4))
    other = np.random.default_rng(1).integers(0, 9, (4, 4))
    names = ("a", "b", "c", "d")

    found = confusions.mistakes(confusion(names, counts), confusion(names, other))

    assert sum(one.count for one in found) == counts.sum() - np.trace(counts)
    assert [one.count for one in found] == sorted((one.count for one in found), reverse=True)
    for one in found:
        label, predicted = names.index(one.label), names.index(one.predicted)
        assert label != predicted
        assert (one.count, one.of, one.teacher) == (
            counts[label, predicted],
            counts[label].sum(),
            other[label, predicted],
        )


@pytest.mark.parametrize(("classes", "tables"), [(20, 1), (21, 0)])
def test_many_classes_are_shown_as_a_list(classes: int, tables: int):
    counts = np.full((classes, classes), 1)
    known = confusion(tuple(map(str, range(classes))), counts)

    section = confusions.view(with_findings(confusion={"student": known}))

    assert section is not None
    assert len(section.matrices) == tables
    assert len(section.mistakes) + section.more == classes * (classes - 1)


def test_shades_are_shared_by_the_tables_that_stand_side_by_side():
    tables = confusions.matrices(
        {"student": Confusion(("a", "b"), ((8, 4), (0, 10))), "teacher": Confusion(("a", "b"), ((11, 1), (0, 10)))}
    )

    student, teacher = ([cell.shade for _, cells in table.rows for cell in cells] for table in tables)
    assert student == pytest.approx([8 / 11, 1.0, 0.0, 10 / 11])
    assert teacher == pytest.approx([1.0, 0.25, 0.0, 10 / 11])


def test_slices_come_worst_first_and_without_a_difference_last():
    parts = (
        Slice({"a": "even"}, 40, {"teacher": 0.9, "student": 0.9}),
        Slice({"a": "unknown"}, 40, {"teacher": None, "student": 0.9}),
        Slice({"a": "worst"}, 29, {"teacher": 1.0, "student": 0.5}),
        Slice({"a": "ahead"}, 30, {"teacher": 0.8, "student": 0.9}),
        Slice({"a": "behind", "b": "x"}, 40, {"teacher": 0.9, "student": 0.8}),
    )

    section = slices.view(with_findings(slices=(Slice({}, 179, {"teacher": 0.9, "student": 0.85}), *parts)))

    assert section is not None
    assert [row.name for row in section.shown] == [
        "a = worst",
        "a = behind, b = x",
        "a = even",
        "a = ahead",
        "a = unknown",
    ]
    assert [row.few for row in section.shown] == [True, False, False, False, False]
    assert section.whole[0].difference == pytest.approx(-0.05)
    assert section.widest == pytest.approx(0.5)


def test_of_many_slices_the_best_are_folded_away():
    parts = tuple(Slice({"a": str(index)}, 40, {"teacher": 1.0, "student": index / 50}) for index in range(50))

    section = slices.view(with_findings(slices=parts))

    assert section is not None
    assert [row.name for row in (*section.shown, *section.rest)] == [f"a = {index}" for index in range(50)]
    assert 0 < len(section.shown) < 20


def test_a_model_leans_to_the_side_that_its_examples_say():
    assert SAMPLE.findings is not None
    for one in SAMPLE.findings.reliability.values():
        examples = np.array([part.examples for part in one.bins])
        gaps = np.array([part.confidence - part.accuracy for part in one.bins])
        assert calibration.leaning(one) == pytest.approx(np.average(gaps, weights=examples))
    panels = {panel.name: panel.sentence for panel in calibration.view(SAMPLE)}
    assert "too sure" in panels["student on hard labels"]
    assert "too modest" in panels["student"]


def test_controls_stand_after_teacher_and_student():
    section = quality.view(dataclasses.replace(SAMPLE, models=dict(reversed(SAMPLE.models.items()))))

    assert section is not None
    names = ["teacher", "student", "student on hard labels", "student on pseudo-labels"]
    assert [row.name for row in section.rows] == names
    assert [row.name for row in section.against] == names[2:]
    assert [row.reading for row in section.against] == ["better", "no difference shown"]


def test_one_model_is_not_drawn():
    section = quality.view(dataclasses.replace(SAMPLE, models={"student": SAMPLE.models["student"]}))

    assert section is not None
    assert section.charts == ()


def test_cached_stages_are_not_counted():
    section = work.view(SAMPLE)

    assert section is not None
    spent = [stage.seconds for stage in SAMPLE.stages if not stage.cached]
    assert (section.total, section.longest, section.cached) == (pytest.approx(sum(spent)), max(spent), 3)


def test_what_moved_is_told_where_all_of_it_is_known():
    """A stage out of the cache moved nothing, and an older report does not know."""
    stages = (Stage("A", 1.0, False, 10, 20), Stage("B", 0.1, True, 100, 200), Stage("C", 1.0, False, 20, 0))
    section = work.view(dataclasses.replace(SAMPLE, stages=stages))
    assert section is not None and section.moved == (30, 20)
    older = work.view(dataclasses.replace(SAMPLE, stages=(*stages, Stage("D", 1.0, False))))
    assert older is not None and older.moved is None


def test_the_share_of_idle_devices_is_told_where_it_is_known():
    """24.1 of 33.4 seconds computed, and 2.7 waited for batches."""
    [measured, unknown] = SAMPLE.training["teacher"]
    assert work.Work.share(measured.idle_share) == "28 %"
    assert work.Work.share(measured.waiting_share) == "8 %"
    assert work.Work.share(unknown.idle_share) == work.Work.share(unknown.waiting_share) == "—"


def test_settings_that_are_not_the_default_say_what_it_is():
    report = dataclasses.replace(SAMPLE, config=Config(training=TrainingConfig(epochs=7)))

    changed = [setting for setting in configuration.view(report) if setting.default is not None]

    assert changed == [configuration.SettingRow("training.epochs", "7", "10")]


def test_of_a_container_only_what_is_asked_for_is_shown():
    config = Config(containers={"TeacherTrainer": ContainerConfig(cpu="4", labels={})})
    rows = configuration.view(dataclasses.replace(SAMPLE, config=config))

    assert [row for row in rows if row.name.startswith("containers")] == [
        configuration.SettingRow("containers.TeacherTrainer.cpu", '"4"', "not set"),
        configuration.SettingRow("containers.TeacherTrainer.labels", "{}", "not set"),
    ]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (figures.percent(0.9375), "93.8 %"),
        (figures.percent(None), "undefined"),
        (figures.percent(-0.08, 0), "−8 %"),
        (figures.points(0.031), "+3.1 points"),
        (figures.points(-0.031), "−3.1 points"),
        (figures.points(-0.0001), "0.0 points"),
        (figures.distance(-0.05), "5.0 points"),
        (figures.p_value(0.0), "p < 0.001"),
        (figures.p_value(0.0123), "p = 0.012"),
        (figures.size(812), "812 B"),
        (figures.size(65_432), "65.4 kB"),
        (figures.size(1_486_221), "1.49 MB"),
        (figures.brief_size(1e6), "1 MB"),
        (figures.brief_size(2.5e5), "250 kB"),
        (figures.times(3.42), "3.4×"),
        (figures.times(21.4), "21×"),
        (figures.times(1234.0), "1,234×"),
        (figures.duration(3.25), "3.2 s"),
        (figures.duration(59.7), "1 min 00 s"),
        (figures.duration(192), "3 min 12 s"),
        (figures.duration(7500), "2 h 05 min"),
        (figures.plural(1, "example"), "1 example"),
        (figures.plural(2000, "example"), "2,000 examples"),
    ],
)
def test_figures_as_people_write_them(written: str, text: str):
    assert written.replace("\u00a0", " ") == text


def test_labels_stand_by_what_the_student_lost_and_those_without_an_area_last():
    known = (
        LabelFigures("same", 3, 10, {"teacher": 0.75, "student": 0.75}),
        LabelFigures("constant", 0, 10, {"teacher": None, "student": None}),
        LabelFigures("lost", 4, 10, {"teacher": 0.9, "student": 0.5, "student_hard_labels": 0.4}),
    )

    section = labels.view(with_findings(labels=known))

    assert section is not None
    assert [row.name for row in section.rows] == ["lost", "same", "constant"]
    assert section.rows[0].difference == pytest.approx(-0.4)
    assert (section.widest, section.undefined) == (pytest.approx(0.4), 1)
    assert labels.view(with_findings()) is None
    page = html.render(with_findings(labels=known))
    assert "Label by label" in page
    assert "4 of 10" in page
    assert "1\u00a0label without an AUC" in page


def test_the_file_of_the_student_is_shown_as_it_was_read_back():
    view = compression.view(dataclasses.replace(SAMPLE, compression=RECORD))
    assert view is not None
    assert (view.smaller, view.smaller_gzip) == ("2.6×", "7.6×")
    assert (len(view.tensors), view.left_out) == (12, 8)
    page = html.render(dataclasses.replace(SAMPLE, compression=RECORD))
    for text in ("10,600", "4,000", "kernel-20", "20 × 10", "30.0\u00a0%", "SOFTMAX", "layer &lt;b&gt; was left"):
        assert text in page
    assert "kernel-9<" in page and "kernel-8<" not in page


def test_the_recipes_that_were_tried_are_shown_with_their_front():
    tried = (
        TriedRecipe(
            "int8", 0, 2.0, FileSize(4_000, 1_250), 0.94, -0.02, 0.004, 0.011, ("below <the> limit",), True
        ),
        TriedRecipe(
            "pqat", 900, 9.0, FileSize(4_100, 1_100), 0.956, -0.004, 0.004, 0.012, front=True, chosen=True
        ),
        TriedRecipe("float16", 0, 1.0, FileSize(7_000, 5_000), 0.96, 0.0, 0.0, 0.020, front=True),
        TriedRecipe("clustering", 0, 0.5, failure="no <layer> can be clustered"),
    )
    found = RecipeSearch(250, 0.96, "file", "size", ("pcqat",), tried)
    report = dataclasses.replace(SAMPLE, compression=dataclasses.replace(RECORD, recipe="pqat", search=found))

    shown = compression.view(report).tried

    assert [(row.recipe, row.fits, row.front, row.chosen) for row in shown.rows] == [
        ("int8", "no", True, False),
        ("pqat", "yes", True, True),
        ("float16", "yes", True, False),
        ("clustering", "no file", False, False),
    ]
    assert shown.rows[1].difference == "\u22120.4 ± 0.4"
    drawn = ElementTree.fromstring(shown.chart)
    [line] = [one for one in drawn.iter() if one.get("class") == "front"]
    across = [float(point.split(",")[0]) for point in line.get("points").split()]
    up = [float(point.split(",")[1]) for point in line.get("points").split()]
    # From the smallest and worst to the largest and best; y grows downwards.
    assert across == sorted(across) and up == sorted(up, reverse=True) and len(across) == 3
    page = html.render(report)
    for text in (
        "chosen among 4",
        "did not suffice for pcqat",
        "below &lt;the&gt; limit",
        "no &lt;layer&gt; can be",
    ):
        assert text in page
    assert compression.view(dataclasses.replace(SAMPLE, compression=RECORD)).tried is None


def test_there_is_no_such_section_if_nothing_was_compressed():
    assert compression.view(SAMPLE) is None
    assert "What is in the compressed file" not in html.render(SAMPLE)


def test_each_trial_of_a_search_is_shown_and_what_was_taken():
    shown = search.view(SAMPLE)

    assert shown is not None
    assert (shown.taken, shown.alone, shown.measure) == ("temperature 2, alpha 0.9", False, "accuracy")
    # Those to their end come first.
    assert [row.full for row in shown.rows] == [True] * 3 + [False] * 2
    assert [row.loss for row in shown.rows if row.chosen] == ["temperature 2, alpha 0.9"]
    alone, taken = shown.rows[:2]
    assert (alone.loss, alone.difference) == ("labels alone", "")
    assert (taken.measure, taken.difference) == ("99.6\u00a0%", "+9.6 ± 1.9, p\u00a0=\u00a00.0012")
    page = html.render(SAMPLE)
    assert "250\u00a0labelled validation examples" in page and "it is for the verdict" in page


def test_a_trial_that_broke_down_and_labels_alone_are_told():
    found = SAMPLE.findings.search
    broken = dataclasses.replace(
        found.trials[3],
        value=None,
        loss=None,
        difference=None,
        standard_error=None,
        p_value=None,
        failure="NaN",
        chosen=False,
    )
    alone = dataclasses.replace(found.trials[2], chosen=True)
    told = dataclasses.replace(found, chosen=alone.distillation, trials=(alone, broken))

    shown = search.view(with_findings(search=told))

    assert shown.alone and shown.rows[1].steps == "broke down"
    assert "beat labels alone" in html.render(with_findings(search=told))


def test_without_a_search_there_is_no_such_section():
    assert search.view(with_findings()) is None


def test_generations_are_shown_with_what_is_known_of_them():
    told = (Generation(1, 1200, 3.0, 0.9, 0.31), Generation(2, 1200, 3.5, 0.925, 0.28))
    section = generations.view(with_findings(generations=told))
    assert section is not None and section.known
    assert [one.name for one in section.rows] == ["1, taught by the teachers", "2, taught by 1"]
    assert [one.steps for one in section.rows] == ["1,200", "1,200"]
    assert section.rows[1].measure == figures.measured(0.925, SAMPLE.measure)
    assert "Students that taught students" in html.render(with_findings(generations=told))

    unknown = generations.view(with_findings(generations=(Generation(1, 5, 1.0), Generation(2, 5, 1.0))))
    assert unknown is not None and not unknown.known
    assert generations.view(with_findings()) is None
    assert "Students that taught students" not in html.render(with_findings())


def test_what_workers_and_processes_moved_is_told_where_it_is_known():
    section = work.view(SAMPLE)
    assert section is not None
    assert [stage.name for stage in section.workers] == ["Transform"]
    [chief, worker] = SAMPLE.training["teacher"]
    assert section.traffic
    assert section.bytes(chief.traffic) == (27_240_000, 61_240_000, 61_190_000)
    assert section.bytes(worker.traffic) == (26_120_000, None, None)
    assert section.bytes(None) == (None, None, None)
    older = work.view(dataclasses.replace(SAMPLE, training={"student": SAMPLE.training["student"]}))
    assert older is not None and not older.traffic

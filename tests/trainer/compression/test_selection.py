"""Which file is taken, by figures that are given."""

import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limbeck.compression_record import FileSize, TriedRecipe
from limbeck.errors import ConfigError
from limbeck.settings.compression import CompressionConfig
from limbeck.trainer.compression import selection
from limbeck.trainer.compression.recipes import RECIPES

AUTO = CompressionConfig("auto")
TRAININGS = {name: len(recipe.techniques) for name, recipe in RECIPES.items()}


def tried(config=AUTO, **figures):
    given = {
        "recipe": "int8",
        "size": 1000,
        "gzip": 900,
        "difference": 0.0,
        "error": 0.0,
        "latency": 0.01,
    } | figures
    one = TriedRecipe(
        recipe=given["recipe"],
        steps=0,
        seconds=1.0,
        file=FileSize(given["size"], given["gzip"]),
        value=0.9 + given["difference"],
        difference=given["difference"],
        standard_error=given["error"],
        latency_ms=given["latency"],
    )
    return dataclasses.replace(one, misses=selection.misses(one, config))


def chosen(files, **settings):
    config = CompressionConfig("auto", **settings)
    files = [tried(config, **one) for one in files]
    place = selection.choose(files, config)
    return None if place is None else files[place].recipe


INT8 = {"recipe": "int8", "size": 3000, "gzip": 2500, "difference": -0.004, "latency": 0.02}
FLOAT16 = {"recipe": "float16", "size": 6000, "gzip": 5200, "difference": 0.0, "latency": 0.03}
PCQAT = {"recipe": "pcqat", "size": 3040, "gzip": 1200, "difference": -0.002, "latency": 0.01}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        # Of two files that are nearly as small, the better one.
        ({}, "pcqat"),
        ({"prefer": "quality"}, "float16"),
        ({"prefer": "latency"}, "pcqat"),
        ({"size": "gzip", "tolerance": 0.003}, "pcqat"),
        ({"tolerance": 0.001}, "float16"),
        ({"prefer": "quality", "max_bytes": 5000}, "pcqat"),
        ({"prefer": "quality", "max_bytes": 3010}, "int8"),
        ({"prefer": "quality", "max_latency_ms": 0.02}, "pcqat"),
        ({"max_bytes": 2999}, None),
        ({"max_bytes": 2999, "size": "gzip"}, "pcqat"),
        ({"max_bytes": 5000, "tolerance": 0.001}, None),
    ],
)
def test_the_best_file_that_keeps_all_limits_is_taken(settings, expected):
    assert chosen([INT8, FLOAT16, PCQAT], **settings) == expected


def test_a_file_that_may_be_worse_than_the_tolerance_is_not_taken():
    assert chosen([INT8 | {"difference": -0.006, "error": 0.003}]) == "int8"
    assert chosen([INT8 | {"difference": -0.006, "error": 0.005}]) is None


def test_what_a_file_misses_is_said():
    config = CompressionConfig("auto", max_bytes=900, max_latency_ms=0.005)
    told = tried(difference=-0.05, error=0.01, config=config).misses
    assert told == (
        "1,000 bytes are more than 900",
        "0.01 ms are more than 0.005",
        "its measure less the student's, -0.0500 ± 0.0100, may be below -0.01",
    )
    assert "int8: 1,000 bytes are more than 900; " in selection.refusal([tried(difference=-0.05, config=config)])


FIGURES = st.tuples(st.integers(1, 5), st.integers(-3, 3), st.integers(1, 5))


@given(st.lists(FIGURES, min_size=1, max_size=7), st.sampled_from(["size", "latency", "quality"]))
def test_the_front_is_what_no_other_file_dominates_and_what_is_taken_is_on_it(figures, prefer):
    config = CompressionConfig("auto", prefer=prefer, tolerance=1.0)
    # Sizes and latencies so far apart that none counts as equal by noise.
    files = [
        tried(size=100 * size, difference=worth / 100, latency=float(latency), config=config)
        for size, worth, latency in figures
    ]
    counted = [one if prefer == "latency" else one[:2] for one in [(s, -w, t) for s, w, t in figures]]
    front = selection.front(files, config)
    for mine, told in zip(counted, front, strict=True):
        assert told == (
            not any(other != mine and all(a <= b for a, b in zip(other, mine, strict=True)) for other in counted)
        )
    assert front[selection.choose(files, config)]


@pytest.mark.parametrize(
    ("budget", "taken", "left_out"),
    [
        (0.0, ["int8", "float16"], ["quantisation_aware", "pqat", "pruning"]),
        (0.1, ["int8", "float16", "quantisation_aware"], ["pqat", "pruning"]),
        # What is dear is passed over, and what fits after it is tried.
        (0.2, ["int8", "float16", "quantisation_aware", "pruning"], ["pqat"]),
        (9.0, ["int8", "float16", "quantisation_aware", "pqat", "pruning"], []),
    ],
)
def test_recipes_that_train_nothing_come_first_and_others_as_far_as_the_budget_goes(budget, taken, left_out):
    candidates = ("int8", "quantisation_aware", "float16", "pqat", "pruning")
    config = CompressionConfig("auto", candidates=candidates, budget=budget)
    assert selection.affordable(config, TRAININGS, 100, 1000) == (taken, left_out)


@given(st.floats(0, 20), st.integers(1, 500), st.integers(1, 5000))
def test_no_plan_is_above_its_budget(budget, steps, student_steps):
    config = CompressionConfig("auto", budget=budget)
    taken, left_out = selection.affordable(config, TRAININGS, steps, student_steps)
    assert sum(TRAININGS[name] * steps for name in taken) <= budget * student_steps
    assert sorted([*taken, *left_out]) == sorted(config.candidates) == sorted(RECIPES)
    assert all(TRAININGS[name] for name in left_out)


@pytest.mark.parametrize("setting", [{"max_bytes": 5000}, {"max_latency_ms": 0.5}])
def test_a_limit_that_a_named_recipe_would_not_heed_is_refused(setting):
    [name] = setting
    with pytest.raises(
        ConfigError, match=f"compression.{name} is a limit .*set compression.recipe=auto, or .*gate"
    ):
        CompressionConfig("int8", **setting)
    assert CompressionConfig("auto", **setting).of("int8") == CompressionConfig("int8")


def test_every_pair_of_limits_is_independent():
    files = [INT8, FLOAT16, PCQAT]
    for size, latency in itertools.product([None, 3010, 9000], [None, 0.015, 1.0]):
        name = chosen(files, max_bytes=size, max_latency_ms=latency, prefer="quality")
        kept = [
            one
            for one in files
            if (size is None or one["size"] <= size) and (latency is None or one["latency"] <= latency)
        ]
        expected = max(kept, key=lambda one: one["difference"])["recipe"] if kept else None
        assert name == expected

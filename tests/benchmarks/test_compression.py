"""The tables of compressed students: means over seeds, and whether the goals are reached."""

from benchmarks.compression.figures import lines, of_run


def report(accuracy=0.98, size=5_000, milliseconds=0.2):
    """Returns what `report.json` says of a teacher that is 200 times as large, and its student."""
    figures = {"teacher": (1.0, 1_000_000, 1.0), "student": (0.99, 70_000, 0.3)}
    figures["student_compressed"] = (accuracy, size, milliseconds)
    return {
        "models": {
            name: {"metrics": {"accuracy": one}, "bytes": many, "latency_ms_p50": long}
            for name, (one, many, long) in figures.items()
        },
        "compression": {
            "recipe": "int8",
            "file": {"bytes": size, "gzip": 3_000},
            "float32": {"bytes": 11_000, "gzip": 9_000},
        },
    }


def test_a_missed_goal_is_said():
    told = lines([of_run("int8", seed, report(), 0.01) for seed in range(3)], ["int8"])
    assert "| `int8` | 3 | 5,000 | 3,000 | 98.00 % | 0.200 | 0.0100 |" in told
    assert "| teacher, SavedModel | 3 | 1,000,000 |  | 100.00 % | 1.000 |  |" in told
    assert told[-4:] == [
        "| size | 1/200 | at most 1/40 | yes |",
        "| a call, transformation included | 1/5.0 | at most 1/20 | no |",
        "| the file alone | 1/100 | at most 1/20 | yes |",
        "| accuracy | 98.0 % | at least 97 % | yes |",
    ]


def test_what_auto_took_is_named_and_seeds_are_averaged():
    results = [of_run("auto", 0, report(0.9), 0.02), of_run("auto", 1, report(1.0, 7_000), 0.04)]
    told = lines(results, ["pqat", "auto"])
    assert "| `auto`, which took int8 | 2 | 6,000 | 3,000 | 95.00 % | 0.200 | 0.0300 |" in told
    assert not [line for line in told if "goal" in line]

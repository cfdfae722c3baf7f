"""The table of files that two tools have made: means over seeds, and what a file that cannot be called says."""

from benchmarks.quantizers.compare import Measured
from benchmarks.quantizers.main import lines


def test_figures_are_means_and_latencies_medians():
    found = [
        Measured("student", "converter", "int8", 4_000 + seed, 3_000, 0.9 + seed / 100, 0.1, seed / 100)
        for seed in (0, 1, 5)
    ]
    assert lines(found)[2:] == ["| student | converter | `int8` | 3 | 4,002 | 3,000 | 92.00% | 0.100 | 0.0100 |"]


def test_what_cannot_be_called_is_told_in_place_of_figures():
    found = [
        Measured("student", "quantizer", "wi4", 3_496, 2_267, error="RuntimeError: no such kernel\nat line 3")
    ]
    assert lines(found)[2:] == [
        "| student | quantizer | `wi4` | 1 | 3,496 | 2,267 | RuntimeError: no such kernel | | |"
    ]

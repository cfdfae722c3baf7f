"""The bytes of a packed split against a packing in plain Python, however the data were cut, sorted and merged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from limbeck.errors import ConfigError, DataError
from limbeck.trainer.data.packed import packed_digest
from limbeck.trainer.data.packing import pack
from limbeck.trainer.data.runs import Limits
from tests.trainer import packed
from tests.trainer.data import plain_packing
from tests.trainer.data.plain_packing import Plain
from tests.trainer.data.test_columns import DENSE, OTHERS, VARIABLE, example

LABEL = Plain("label", "int64", 1)
RAGGED = [
    Plain("floats", "float32", None),
    Plain("integers", "int64", None),
    LABEL,
    Plain("ragged", "float32", None, "some"),
    Plain("sparse", "int64", None),
]
COLUMNS = {
    "dense": [
        Plain("integers", "int64", 3),
        LABEL,
        Plain("logits", "float32", 6),
        Plain("nothing", "float32", 0),
        Plain("number", "float32", 1, default=(-1.0,)),
        Plain("picture", "float32", 6),
    ],
    "variable": RAGGED,
    "others": RAGGED,
}
SPECS = {"dense": DENSE, "variable": VARIABLE, "others": OTHERS}
# A run for each file; a run for each batch, merged in several turns, an example or two at a time.
LIMITS = {"one": Limits(), "many": Limits(read_examples=4, run_bytes=1, block_bytes=500, open_runs=3)}


def with_ties(count: int) -> list[bytes]:
    """Examples of which some are there twice, and some others share an id."""
    found = [example(row) for row in range(count)]
    found += found[:5]
    for row in (3, 4, 6):
        other = tf.train.Example.FromString(example(row + 100))
        other.features.feature["example_id"].bytes_list.value[:] = [b"shared"]
        found.append(other.SerializeToString())
    return found


def cut(folder: Path, serialized: list[bytes], files: int, seed: int) -> list[str]:
    """Shuffles examples, and writes them into some files, of which one is empty if there are several."""
    generator = np.random.default_rng(seed)
    shuffled = [serialized[row] for row in generator.permutation(len(serialized))]
    places = sorted(generator.integers(0, len(serialized) + 1, max(0, files - 2)).tolist())
    ends = [*places, len(serialized)] if files > 1 else [len(serialized)]
    begins = [0, *ends[:-1]]
    pieces = [shuffled[begin:end] for begin, end in zip(begins, ends, strict=True)] + [[]] * (files > 1)
    folder.mkdir()
    return [packed.write(folder / f"{number}.gz", piece) for number, piece in enumerate(pieces)]


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", SPECS)
def test_the_bytes_are_those_of_a_packing_in_plain_python(tmp_path: Path, kind: str):
    serialized = with_ties(30)
    expected = plain_packing.pack(serialized, COLUMNS[kind], lambda label: label != -1, kept=kind == "others")
    seals = set()
    for files in (1, 3, 7):
        sources = cut(tmp_path / f"{files}", serialized, files, seed=files)
        assert len(sources) == files
        for name, limits in LIMITS.items():
            folder = tmp_path / f"packed-{files}-{name}"
            assert pack(sources[::-1], folder, SPECS[kind], "label", packed.OBJECTIVE, limits=limits) == 38
            found = content(folder)
            seals.add(found.pop("seal.json"))
            assert found == expected
    assert len(seals) == 1


def test_checkpoints_of_data_that_were_packed_before_are_found_again(tmp_path: Path):
    """A checkpoint is found by the digest of the data. This one was computed before files were read in parallel."""
    sources = cut(tmp_path / "files", packed.examples(40) + packed.examples(5), 3, seed=0)
    pack(sources, tmp_path / "packed", packed.SPEC, "label", packed.OBJECTIVE)
    assert packed_digest(str(tmp_path / "packed")) == (
        "1472af95351e75361d56555ebf660c41acd3a0cb401b94758e2ac34fb2decc3d"
    )


def several_logits(rows: int, teachers: int) -> list[bytes]:
    found = []
    for row in range(rows):
        one = tf.train.Example.FromString(example(row))
        one.features.feature["logits"].float_list.value[:] = [0.5] * (2 * teachers)
        found.append(one.SerializeToString())
    return found


@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
@pytest.mark.parametrize(("first", "second"), [(3, 2), (2, 5)])
def test_files_with_soft_targets_of_different_teachers_are_refused(
    tmp_path: Path, first: int, second: int, limits: Limits
):
    """Each file by itself is sound. Both may be read in one run, or in a run each, in processes of their own."""
    sources = [
        packed.write(tmp_path / f"{number}.gz", several_logits(9, teachers))
        for number, teachers in enumerate((first, second))
    ]
    folder = tmp_path / "packed"
    with pytest.raises(
        DataError,
        match=rf"'logits', but some have {2 * first}, and some {2 * second}: label all examples by the same teachers",
    ):
        pack(sources, folder, DENSE, "label", packed.OBJECTIVE, limits=limits)
    assert content(folder) == {}


def test_labels_that_nobody_declared_are_counted_in_all_runs(tmp_path: Path):
    serialized = [packed.serialize(example_id=str(row), x=[0.0] * 3, label=-2 * (row % 2)) for row in range(10)]
    sources = cut(tmp_path / "files", serialized, 3, seed=1)
    with pytest.raises(DataError, match=r"^5 of 10 training examples have a label that the task does not declare"):
        pack(sources, tmp_path / "packed", packed.SPEC, "label", packed.OBJECTIVE, limits=LIMITS["many"])
    assert content(tmp_path / "packed") == {}


@pytest.mark.parametrize("name", ["read_examples", "run_bytes", "block_bytes", "open_runs"])
def test_limits_are_positive(name: str):
    with pytest.raises((ConfigError, ValueError), match=name):
        Limits(**{name: 0})


def test_merging_one_run_at_a_time_would_never_end():
    with pytest.raises(ConfigError, match="open_runs needs at least 2"):
        Limits(open_runs=1)


def test_a_disk_that_fills_up_leaves_no_half_of_a_packed_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    sources = cut(tmp_path / "files", with_ties(9), 3, seed=1)
    real = Path.open

    def full(path: Path, *arguments: Any, **named: Any) -> Any:
        if path.name == "stream-1.bin":
            raise OSError(28, "No space left on device")
        return real(path, *arguments, **named)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(OSError, match="No space left"):
        pack(sources, tmp_path / "packed", VARIABLE, "label", packed.OBJECTIVE)
    assert content(tmp_path / "packed") == {}

"""Makes the files of one run by both tools, and measures them: `python -m benchmarks.quantizers.compare ROOT PYTHON`.

Both begin with the same weights, and are given the same representative examples. Prints one line of JSON for each file.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from limbeck.reference import TaskRef
from limbeck.trainer.compression import inspection, litert
from limbeck.trainer.serving import compressed, export
from limbeck.trainer.session import saved_weights

# As many as `compression.representative`.
_REPRESENTATIVE = 100
_CONVERTER: tuple[litert.Storage, ...] = ("float32", "dynamic_range", "float16", "int8")
Columns = Mapping[str, npt.NDArray[Any]]


@dataclasses.dataclass(frozen=True)
class Measured:
    """What was measured of one file.

    Attributes:
      model: whose weights it has.
      tool: what has made it.
      recipe: the recipe of that tool.
      bytes: its size.
      gzip: its size by gzip.
      accuracy: on the test split.
      difference: mean absolute difference of its logits from those of the float32 file.
      milliseconds: median of a call with one example, on one thread.
      error: what the tool or TensorFlow's interpreter said if there is no file that it calls. The figures are 0 then.
    """

    model: str
    tool: str
    recipe: str
    bytes: int = 0
    gzip: int = 0
    accuracy: float = 0.0
    difference: float = 0.0
    milliseconds: float = 0.0
    error: str = ""


@dataclasses.dataclass(frozen=True)
class Split:
    """Examples of one split: each input `[examples, ...]`, by name, and their labels."""

    columns: Columns
    labels: npt.NDArray[np.int64]

    def each(self) -> list[dict[str, Any]]:
        """Returns the inputs of each example, `[1, ...]`, by name."""
        return [
            {name: one[row : row + 1] for name, one in self.columns.items()} for row in range(len(self.labels))
        ]


def main(root: Path, python: str) -> None:
    """Prints what was measured of each file of a student, and of one of its teachers."""
    import tensorflow_transform as tft

    task = TaskRef("limbeck.tasks.digits").load()
    transform = tft.TFTransformOutput(str(_only(root / "pipeline" / "Transform" / "transform_graph")))
    train, test = (_split(root, transform, name) for name in ("train", "test"))
    models: dict[str, tuple[Callable[[dict[str, Any]], Any], str, str]] = {
        "student": (task.build_student, "Distiller", "build_student"),
        "one teacher": (task.build_teacher, "TeacherTrainer", "build_teacher"),
    }
    for name, (build, node, builder) in models.items():
        model = build({})
        saved_weights.load(model, str(_only(root / "pipeline" / node / "model") / "Format-Serving"), name, builder)
        specs = compressed.input_specs(transform, frozenset(train.columns), name)
        with tempfile.TemporaryDirectory(prefix="limbeck-quantizers-") as folder:
            _make(model, specs, train, Path(folder), python)
            for one in _measured(name, Path(folder), test):
                sys.stdout.write(json.dumps(dataclasses.asdict(one)) + "\n")


def _only(folder: Path) -> Path:
    """Returns what the first execution wrote."""
    return min(folder.iterdir(), key=lambda one: int(one.name))


def _split(root: Path, transform: Any, name: str) -> Split:
    import tensorflow as tf

    folder = _only(root / "pipeline" / "Transform" / "transformed_examples") / f"Split-{name}"
    files = sorted(str(path) for path in folder.iterdir())
    records = list(tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator())
    spec = export.model_input_spec(transform)
    read = tf.io.parse_example(records, spec | {"label": tf.io.FixedLenFeature([], tf.int64)})
    return Split({one: read[one].numpy() for one in spec}, read["label"].numpy())


def _make(model: Any, specs: Mapping[str, Any], train: Split, folder: Path, python: str) -> None:
    examples = train.each()[:_REPRESENTATIVE]
    for storage in _CONVERTER:
        content = litert.convert(model, specs, storage, examples, "the model")
        (folder / f"{storage}.tflite").write_bytes(content)
    representative = {export.tensor_name(name): one[:_REPRESENTATIVE] for name, one in train.columns.items()}
    np.savez(folder / "representative.npz", **representative)
    program = Path(__file__).with_name("quantize.py")
    subprocess.run([python, str(program), str(folder)], check=True, capture_output=True)


def _measured(model: str, folder: Path, test: Split) -> Iterator[Measured]:
    plain = _logits((folder / "float32.tflite").read_bytes(), test)
    for path in sorted(folder.glob("*.tflite")):
        tool = "converter" if path.stem in _CONVERTER else "quantizer"
        yield _of_file(Measured(model, tool, path.stem), path.read_bytes(), test, plain)
    for path in sorted(folder.glob("*.error")):
        yield Measured(model, "quantizer", path.stem, error=path.read_text(encoding="utf-8"))


def _of_file(named: Measured, content: bytes, test: Split, plain: npt.NDArray[np.float32]) -> Measured:
    from benchmarks.compression.alone import median_of

    size = inspection.size_of(content)
    named = dataclasses.replace(named, bytes=size.bytes, gzip=size.gzip)
    try:
        logits, file = _logits(content, test), compressed.CompressedFile(content)
    except (RuntimeError, ValueError) as error:
        return dataclasses.replace(named, error=f"{type(error).__name__}: {error}")
    return dataclasses.replace(
        named,
        accuracy=float((logits.argmax(axis=1) == test.labels).mean()),
        difference=float(np.abs(logits - plain).mean()),
        milliseconds=median_of(file, _inputs(test)),
    )


def _inputs(test: Split) -> list[dict[str, Any]]:
    return [{export.tensor_name(name): one for name, one in example.items()} for example in test.each()]


def _logits(content: bytes, test: Split) -> npt.NDArray[np.float32]:
    answer = functools.partial(compressed.CompressedFile.answer, compressed.CompressedFile(content))
    return np.concatenate([answer(one) for one in _inputs(test)])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

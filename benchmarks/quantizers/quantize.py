"""Quantizes a `.tflite` file by LiteRT's own quantizer: `PYTHON quantize.py FOLDER`, in an environment of its own.

Its protobuf is not that of TFX. So it is a program, which imports nothing of Limbeck. It reads `float32.tflite` and
`representative.npz` (each input `[examples, ...]`, by name) in the folder, and writes a file for each recipe, or what
it says if it fails.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from litert_quantizer import qtyping, quantizer, recipe
from litert_quantizer.algorithm_manager import AlgorithmName
from litert_quantizer.recipe_manager import RecipeManager

RECIPES = (
    "static_wi8_ai8",
    "dynamic_wi8_afp32",
    "weight_only_wi8_afp32",
    "static_wi8_ai16",
    "weight_only_wi4_afp32",
)


def main(folder: Path) -> None:
    """Writes `<recipe>.tflite` or `<recipe>.error` for each recipe."""
    with np.load(folder / "representative.npz") as stored:
        columns = dict(stored)
    count = len(next(iter(columns.values())))
    examples = [{name: values[row : row + 1] for name, values in columns.items()} for row in range(count)]
    for name in RECIPES:
        try:
            (folder / f"{name}.tflite").write_bytes(quantized(folder / "float32.tflite", name, examples))
        except Exception as error:  # Whatever it is: the table says it.
            (folder / f"{name}.error").write_text(f"{type(error).__name__}: {error}", encoding="utf-8")


def quantized(file: Path, name: str, examples: list[dict[str, Any]]) -> bytes:
    """Returns the content of a file that one recipe makes."""
    # A caller hands over floating point and takes it, as with the files of the product.
    manager = RecipeManager()
    manager.load_quantization_recipe(getattr(recipe, name)())
    for end in (qtyping.TFLOperationName.INPUT, qtyping.TFLOperationName.OUTPUT):
        manager.add_quantization_config(regex=".*", operation_name=end, algorithm_key=AlgorithmName.NO_QUANTIZE)
    made = quantizer.Quantizer(str(file), manager.get_quantization_recipe())
    ranges = made.calibrate({"serving_default": examples}) if made.need_calibration else None
    return bytes(made.quantize(ranges).quantized_model)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Times a `.tflite` file without the transformation before it: `python -m benchmarks.compression.alone FOLDER`.

A new process with one thread has no other work. Prints the median milliseconds of a call with one example.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limbeck.trainer.serving.compressed import CompressedFile

_WARM_UP_CALLS, _CALLS = 200, 3_000


def milliseconds(folder: Path) -> float:
    """Returns the median milliseconds of a call of the file in the folder of a compressed student."""
    import numpy as np
    from sklearn import datasets

    from limbeck.trainer.serving.compressed import FILE, CompressedFile

    file = CompressedFile((folder / FILE).read_bytes())
    images = datasets.load_digits().data.astype(np.float32)
    # The values of an input do not change how long it takes.
    examples = [{name: image.reshape(shape) for name, shape in file.shapes.items()} for image in images[:256]]
    return median_of(file, examples)


def median_of(file: CompressedFile, examples: Sequence[Mapping[str, Any]]) -> float:
    """Returns the median milliseconds of a call with one of the examples: each input `[1, ...]`, by name."""
    import numpy as np

    seconds = []
    for call in range(_WARM_UP_CALLS + _CALLS):
        begin = time.perf_counter()
        file.answer(examples[call % len(examples)])
        seconds.append(time.perf_counter() - begin)
    return 1000 * float(np.median(seconds[_WARM_UP_CALLS:]))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(milliseconds(Path(sys.argv[1]))))

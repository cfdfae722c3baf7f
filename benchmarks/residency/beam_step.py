"""ExampleGen on some workers of Beam: what each reads and writes, and what goes between them and the pipeline."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
_LOOK_SECONDS = 0.05


def write(folder: Path, rows: int, files: int) -> Path:
    """Writes a table of 20 columns of numbers as CSV, in files of one size. Returns the folder above it."""
    import numpy as np

    generator, place = np.random.default_rng(0), folder / "all"
    place.mkdir(parents=True)
    header = ",".join(f"column{number}" for number in range(20))
    for number in range(files):
        lines = [",".join(f"{value:.4f}" for value in row) for row in generator.random((rows // files, 20))]
        (place / f"{number}.csv").write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    return folder


def lines(data: Path, folder: Path, workers: int) -> Iterator[str]:
    """Runs the step in a process of its own, and yields a line for each worker."""
    command = [sys.executable, "-m", "benchmarks.residency.beam_step", str(data), str(folder), str(workers)]
    done = subprocess.run(
        command, cwd=_ROOT, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    told = json.loads(done.stdout.splitlines()[-1])
    for number, one in enumerate(told["workers"], start=1):
        yield (
            f"| {workers} | {told['wall']:.1f} | {number} | {one['read'] / 1e6:.1f} | {one['written'] / 1e6:.1f} | "
            f"{told['wire'] / 1e6:.1f} |"
        )


def main(data: Path, folder: Path, workers: int) -> None:
    """Runs the step. Prints what it took, what each worker moved, and what went through connections, as JSON."""
    import dataclasses

    from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
    from tfx.dsl.components.base.base_executor import BaseExecutor
    from tfx.types import standard_artifacts

    from limbeck.beam_processes import byte_counts
    from limbeck.components.example_gen.executor import CsvExecutor
    from limbeck.moved import LEDGER
    from limbeck.settings.beam import BeamConfig

    executor: type[BaseExecutor] = CsvExecutor
    examples = standard_artifacts.Examples()
    examples.uri = str(folder / "examples")
    flags = list(BeamConfig(workers=workers).flags())
    context = BaseBeamExecutor.Context(beam_pipeline_args=flags, tmp_dir=str(folder / "temporary"), unique_id="1")
    wire = _Wire()
    with byte_counts.collected(), wire:
        began = time.monotonic()
        executor(context).Do({}, {"examples": [examples]}, _properties(data))
        wall = time.monotonic() - began
    found = [dataclasses.asdict(one) for one in LEDGER.take()]
    sys.stdout.write(json.dumps({"wall": wall, "workers": found, "wire": wire.bytes}) + "\n")


class _Wire:
    """Looks at the connections of this process twenty times a second. The last moment of each is not seen."""

    def __init__(self) -> None:
        self._done, self._seen = threading.Event(), dict[int, tuple[int, int]]()
        self._watcher = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> None:
        self._watcher.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._watcher.join()

    @property
    def bytes(self) -> int:
        """What went out and came in through all connections."""
        return sum(map(sum, self._seen.values()))

    def _look(self) -> None:
        from limbeck.trainer.process import traffic

        while not self._done.wait(_LOOK_SECONDS):
            self._seen.update(traffic.connections())


def _properties(data: Path) -> dict[str, Any]:
    from tfx.proto import example_gen_pb2
    from tfx.utils import proto_utils

    from limbeck.components.example_gen.options import Options, to_custom_config

    split = example_gen_pb2.Input.Split(name="all", pattern="all/*")
    return {
        "input_base": str(data),
        "input_config": proto_utils.proto_to_json(example_gen_pb2.Input(splits=[split])),
        "output_config": proto_utils.proto_to_json(example_gen_pb2.Output()),
        "output_data_format": example_gen_pb2.FORMAT_TF_EXAMPLE,
        "output_file_format": example_gen_pb2.FORMAT_TFRECORDS_GZIP,
        "custom_config": proto_utils.proto_to_json(to_custom_config(Options())),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))

"""One execution of ExampleGen in a process of its own: `python -m benchmarks.csv_files.probe SIDE FOLDER SPLITS`.

Both sides read `FOLDER/data/all/*`, and write `FOLDER/SIDE`. The process says how many seconds the executor took, by
the clock and of the processor, and how many examples it wrote. Imports do not count.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

OURS, STOCK = "ours", "stock"
_BUCKETS = {"train": 8, "validation": 1, "test": 1}


def main(side: str, folder: Path, divided: bool) -> None:
    """Runs the executor. Prints what it took."""
    import tensorflow as tf
    from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
    from tfx.dsl.components.base.base_executor import BaseExecutor
    from tfx.types import standard_artifacts

    executor, properties = _executor(side), _properties(side, folder, divided)
    destination = folder / side
    shutil.rmtree(destination, ignore_errors=True)
    examples = standard_artifacts.Examples()
    examples.uri = str(destination)
    flags = [
        "--direct_num_workers=1",
        "--direct_running_mode=in_memory",
        "--sdk_container_image=none",
        "--pickle_library=cloudpickle",
    ]
    context = BaseBeamExecutor.Context(beam_pipeline_args=flags, tmp_dir=str(folder / "temporary"), unique_id="1")
    made: BaseExecutor = executor(context)
    began, processor = time.monotonic(), time.process_time()
    made.Do({}, {"examples": [examples]}, properties)
    seconds, processor = time.monotonic() - began, time.process_time() - processor
    files = [str(path) for path in destination.glob("Split-*/*")]
    count = sum(1 for _ in tf.data.TFRecordDataset(files, compression_type="GZIP"))
    sys.stdout.write(f"{seconds} {processor} {count}\n")


def _executor(side: str) -> Any:
    if side == STOCK:
        from tfx.components.example_gen.csv_example_gen.executor import Executor

        return Executor
    from limbeck.components.example_gen.executor import CsvExecutor

    return CsvExecutor


def _properties(side: str, folder: Path, divided: bool) -> dict[str, Any]:
    from tfx.proto import example_gen_pb2
    from tfx.utils import proto_utils

    from limbeck.components.example_gen.division import Division
    from limbeck.components.example_gen.options import Options, to_custom_config

    split = example_gen_pb2.Input.Split(name="all", pattern="all/*")
    buckets = [example_gen_pb2.SplitConfig.Split(name=name, hash_buckets=some) for name, some in _BUCKETS.items()]
    output = example_gen_pb2.Output()
    options = Options()
    if divided and side == STOCK:
        output.split_config.splits.extend(buckets)
    elif divided:
        options = Options(division=Division("0.8/0.1/0.1"))
        # The names of the splits; the executor divides by itself.
        output.split_config.splits.extend(buckets)
    return {
        "input_base": str(folder / "data"),
        "input_config": proto_utils.proto_to_json(example_gen_pb2.Input(splits=[split])),
        "output_config": proto_utils.proto_to_json(output),
        "output_data_format": example_gen_pb2.FORMAT_TF_EXAMPLE,
        "output_file_format": example_gen_pb2.FORMAT_TFRECORDS_GZIP,
        "custom_config": proto_utils.proto_to_json(to_custom_config(options)),
    }


if __name__ == "__main__":
    os.environ["TF_USE_LEGACY_KERAS"], os.environ["TF_CPP_MIN_LOG_LEVEL"] = "1", "3"
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3] == "divided")

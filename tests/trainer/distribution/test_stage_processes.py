"""Which device of a process a stage is on. `tests/trainer/test_pipelined.py` joins real processes."""

import pytest

from limbeck.trainer.distribution.stage_processes import device_of

NAMES = [
    "/job:chief/replica:0/task:0/device:CPU:0",
    "/job:worker/replica:0/task:1/device:CPU:0",
    "/job:worker/replica:0/task:1/device:GPU:0",
    "/job:worker/replica:0/task:1/device:GPU:1",
    "/job:worker/replica:0/task:10/device:CPU:0",
    "/job:worker/replica:0/task:10/device:GPU:0",
]


@pytest.mark.parametrize(
    ("task", "device"),
    [
        ("/job:chief/replica:0/task:0", "/job:chief/replica:0/task:0/device:CPU:0"),
        ("/job:worker/replica:0/task:1", "/job:worker/replica:0/task:1/device:GPU:0"),
    ],
)
def test_a_stage_is_on_the_first_gpu_of_its_process_or_on_its_cpu(task, device):
    assert device_of(task, NAMES) == device

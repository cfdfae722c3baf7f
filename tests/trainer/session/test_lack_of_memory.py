"""Which stage has no memory left, in TensorFlow's words."""

import re

import pytest

from limbeck.settings.pipelining import PipeliningConfig
from limbeck.trainer.session.lack_of_memory import words

PROCESSES = (
    "/job:chief/replica:0/task:0/device:CPU:0",
    "/job:worker/replica:0/task:0/device:CPU:0",
    "/job:worker/replica:0/task:1/device:GPU:0",
    "/job:worker/replica:0/task:2/device:CPU:0",
)
MESSAGE = "OOM when allocating tensor with shape[512,7] and type float on {} by allocator cpu [Op:Add]"


@pytest.mark.parametrize(
    ("device", "names", "told"),
    [
        (PROCESSES[2], PROCESSES, "stage 0 of replica 1 has not enough memory .*another tensor of shape .512,7."),
        ("/job:localhost/replica:0/task:0/device:CPU:1", ("/cpu:0", "/cpu:1"), "stage 1 of replica 0 has not"),
        ("/job:other/replica:0/task:0/device:CPU:9", PROCESSES, "a stage has not enough memory .*CPU:9"),
    ],
)
def test_the_stage_on_the_device_is_named(device, names, told):
    settings = PipeliningConfig(stages=2, replicas=2)
    assert re.match(told, words(MESSAGE.format(device), settings, names))


def test_an_error_of_another_kind_names_no_stage():
    assert words("Dst tensor is not initialized.", PipeliningConfig(stages=2), PROCESSES) == (
        "a stage has not enough memory"
    )

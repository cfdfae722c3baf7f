"""Bodies of custom jobs as text, and held against the message of Google's own client."""

import dataclasses
import json

import pytest
from google.cloud.aiplatform_v1.types import CustomJob, Scheduling
from google.protobuf import json_format

from limbeck.errors import ConfigError
from limbeck.launchers.vertex.body import Plan, custom_job
from limbeck.settings.launcher import LauncherConfig
from limbeck.settings.vertex import VertexConfig

PLAIN = VertexConfig(project="lab", region="us-central1", image="r.example/limbeck:1", staging="gs://b/s")
FULL = dataclasses.replace(
    PLAIN,
    accelerator="NVIDIA_TESLA_T4",
    accelerators=2,
    spot=True,
    service_account="trainer@lab.iam.gserviceaccount.com",
    network="projects/1/global/networks/n",
    reduction_servers=4,
    hours=1.5,
)
TRAINER = """\
    {
     "machineSpec": {
      "machineType": "n1-standard-8"%s
     },
     "replicaCount": "%d",
     "diskSpec": {
      "bootDiskType": "pd-ssd",
      "bootDiskSizeGb": 100
     },
     "containerSpec": {
      "imageUri": "r.example/limbeck:1",
      "command": [
       "python",
       "-m",
       "limbeck.launchers.vertex.in_replica"
      ],
      "args": [
       "--files",
       "gs://b/s/attempt-7",
       "--start-seconds",
       "1800"
      ]
     }
    }"""
GPU = ',\n      "acceleratorType": "NVIDIA_TESLA_T4",\n      "acceleratorCount": 2'
REDUCTION = """\
    {
     "machineSpec": {
      "machineType": "n1-highcpu-16"
     },
     "replicaCount": "4",
     "containerSpec": {
      "imageUri": "us-docker.pkg.dev/vertex-ai-restricted/training/reductionserver:latest"
     }
    }"""
WHOLE = """\
{
 "displayName": "limbeck teacher 7",
 "jobSpec": {
  "workerPoolSpecs": [
%s
  ],
  "scheduling": {
   "timeout": "%ds",
   "restartJobOnWorkerRestart": false,
   "disableRetries": true,
   "strategy": "%s"
  }%s
 },
 "labels": {
  "limbeck-attempt": "7"
 }
}"""
ACCOUNT = """,
  "serviceAccount": "trainer@lab.iam.gserviceaccount.com",
  "network": "projects/1/global/networks/n\""""


def _plan(settings: VertexConfig, processes: int) -> Plan:
    return Plan("teacher", "7", "gs://b/s/attempt-7", processes, settings)


def _text(settings: VertexConfig, processes: int) -> str:
    lines = json.dumps(custom_job(_plan(settings, processes)), indent=1).splitlines()
    # The pools are one step further in than the golden text's indent says, which is how it reads best.
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("settings", "processes", "golden"),
    [
        (PLAIN, 1, WHOLE % (TRAINER % ("", 1), 604800, "STANDARD", "")),
        (PLAIN, 3, WHOLE % (",\n".join([TRAINER % ("", 1), TRAINER % ("", 2)]), 604800, "STANDARD", "")),
        (
            FULL,
            4,
            WHOLE % (",\n".join([TRAINER % (GPU, 1), TRAINER % (GPU, 3), REDUCTION]), 5400, "SPOT", ACCOUNT),
        ),
    ],
)
def test_the_body_is_this_text(settings, processes, golden):
    assert json.loads(_text(settings, processes)) == json.loads(golden)
    assert [line.strip() for line in _text(settings, processes).splitlines()] == [
        line.strip() for line in golden.splitlines()
    ]


@pytest.mark.parametrize(("settings", "processes"), [(PLAIN, 1), (PLAIN, 2), (FULL, 4)])
def test_googles_client_knows_every_field(settings, processes):
    """Strict: a misspelt field, or an accelerator that Vertex AI has not, raises."""
    message = CustomJob()
    json_format.ParseDict(custom_job(_plan(settings, processes)), CustomJob.pb(message))
    assert sum(pool.replica_count for pool in message.job_spec.worker_pool_specs[:2]) == processes
    assert message.job_spec.scheduling.disable_retries
    assert not message.job_spec.scheduling.restart_job_on_worker_restart
    assert message.job_spec.scheduling.strategy == (
        Scheduling.Strategy.SPOT if settings.spot else Scheduling.Strategy.STANDARD
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"accelerators": 1}, "belong together"),
        ({"accelerator": "NVIDIA_L4"}, "belong together"),
        ({"staging": "/local"}, "must be a gs:// URI, received /local"),
    ],
)
def test_settings_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        dataclasses.replace(PLAIN, **change)


@pytest.mark.parametrize("missing", ["project", "region", "image", "staging"])
def test_what_a_job_needs_is_asked_for_when_settings_are_read(missing):
    with pytest.raises(ConfigError, match=f"launcher.name=vertex needs launcher.vertex.{missing}"):
        LauncherConfig("vertex", vertex=dataclasses.replace(PLAIN, **{missing: None}))


def test_reduction_servers_need_workers_and_gpus():
    with pytest.raises(ConfigError, match=r"strategy\.workers to 3 or more, received 2"):
        FULL.check_processes(2)
    with pytest.raises(ConfigError, match=r"set launcher\.vertex\.accelerator"):
        dataclasses.replace(PLAIN, reduction_servers=1).check_processes(3)
    FULL.check_processes(3)

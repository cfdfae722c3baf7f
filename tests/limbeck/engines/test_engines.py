"""Which settings an engine takes, and what it makes of them. Beam itself reads the flags."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from limbeck.engines.kind import Processes
from limbeck.engines.registry import ENGINES, engine_kind
from limbeck.errors import ConfigError
from limbeck.settings.beam import VARIABLES, BeamConfig
from limbeck.settings.dataflow import DataflowConfig

POOL = Processes("localhost:8099", "localhost:50000", None, "limbeck_identity=abc", "limbeck-1")
COMMAND = Processes("localhost:8099", None, "/tmp/boot", "limbeck_identity=abc", "limbeck-1", {"A": 'b "c"'})


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"engine": "portabel"}, "no such engine; received 'portabel'. Did you mean 'portable'?"),
        ({"endpoint": "localhost:8099"}, "beam.engine=local asks no other process, but beam.endpoint is"),
        ({"pool": "localhost:8099"}, "but beam.pool is 'localhost:8099'"),
        ({"engine": "portable", "endpoint": "http://localhost:8099"}, "received 'http://localhost:8099'"),
        ({"engine": "portable", "endpoint": "localhost"}, "received 'localhost': give a host and a port"),
        ({"engine": "portable", "pool": "localhost:0"}, "beam.pool is an address"),
        ({"engine": "portable", "pool": "localhost:65536"}, "beam.pool is an address"),
        ({"engine": "portable", "command": "/boot"}, "beam.environment is external"),
        ({"engine": "portable", "environment": "process", "pool": "a:1"}, "beam.environment is process"),
        ({"engine": "portable", "environment": "process", "command": "boot"}, "give an absolute path"),
    ],
)
def test_settings_that_would_be_ignored_or_fail_late_are_refused(settings: dict[str, Any], wrong: str):
    with pytest.raises(ConfigError) as raised:
        BeamConfig(**settings)
    assert wrong in str(raised.value)


@pytest.mark.parametrize("address", ["localhost:1", "10.0.0.1:65535", "[::1]:8099", "beam.example.org:8099"])
def test_addresses(address: str):
    assert BeamConfig(engine="portable", endpoint=address).endpoint == address


def test_an_address_at_which_nothing_listens_is_found_before_the_run():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        settings = BeamConfig(engine="portable", pool=f"127.0.0.1:{port}")
        with pytest.raises(ConfigError, match=rf"beam.pool must be .* but 127.0.0.1:{port} does not answer"):
            engine_kind("portable").check_machine(settings)
        listening.listen()
        engine_kind("portable").check_machine(settings)


def test_a_compiled_pipeline_has_no_job_service():
    with pytest.raises(ConfigError, match=r"set beam\.engine=local"):
        BeamConfig(engine="portable").flags()


@pytest.mark.parametrize("processes", [POOL, COMMAND], ids=["external", "process"])
def test_beam_reads_the_flags_of_a_portable_engine(processes: Processes):
    from apache_beam.options import pipeline_options

    flags = BeamConfig(engine="portable", workers=3).flags(processes)
    options = pipeline_options.PipelineOptions(list(flags))
    portable = options.view_as(pipeline_options.PortableOptions)
    assert options.view_as(pipeline_options.StandardOptions).runner == "PortableRunner"
    assert portable.job_endpoint == "localhost:8099"
    assert portable.job_server_timeout == 86_400
    assert options.view_as(pipeline_options.DirectOptions).direct_num_workers == 3
    assert options.view_as(pipeline_options.GoogleCloudOptions).job_name == "limbeck-1"
    assert "limbeck_identity=abc" in options.view_as(pipeline_options.DebugOptions).experiments
    assert options.view_as(pipeline_options.WorkerOptions).sdk_container_image == "none"
    if processes is POOL:
        assert (portable.environment_type, portable.environment_config) == ("EXTERNAL", "localhost:50000")
    else:
        assert portable.environment_type == "PROCESS"
        assert json.loads(portable.environment_config) == {"command": "/tmp/boot", "env": {"A": 'b "c"'}}


# What an engine cannot do without.
NEEDED: dict[str, dict[str, Any]] = {
    "local": {},
    "portable": {},
    "flink": {"endpoint": "localhost:8099"},
    "spark": {"endpoint": "localhost:8099"},
    "dataflow": {
        "dataflow": DataflowConfig("my-project-1", "us-central1", "gs://bucket/temp", image="gcr.io/me/it:1")
    },
}


@pytest.mark.parametrize("name", ENGINES)
def test_tfxs_cache_key_sees_the_same_variables_whatever_the_engine(name: str):
    settings = BeamConfig(engine=name, workers=2, **NEEDED[name])
    assert tuple(settings.variables(POOL)) == VARIABLES
    assert set(settings.variables(POOL).values()) == set(settings.flags(POOL))


def test_a_flag_that_is_repeated_to_fill_the_variables_changes_nothing():
    from apache_beam.options import pipeline_options

    settings = BeamConfig(engine="portable")
    once, filled = (
        pipeline_options.PipelineOptions(list(flags)).get_all_options(drop_default=True)
        for flags in (settings.flags(POOL), settings.variables(POOL).values())
    )
    assert once == filled

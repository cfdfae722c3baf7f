"""The kinds of jobs, by `launcher.kubernetes.kind`. A new kind is a file beside this one, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from limbeck.launchers.kubernetes import indexed_job, job_set, tf_job
from limbeck.launchers.kubernetes.kind import Kind

KINDS: Mapping[str, Kind] = MappingProxyType(
    {"job": indexed_job.KIND, "jobset": job_set.KIND, "tfjob": tf_job.KIND}
)

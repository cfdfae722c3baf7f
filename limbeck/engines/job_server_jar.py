"""Reads from the jar of a Beam job server which versions it is for, before anything is computed.

A job server of another version of Beam, or for another version of Flink, starts without an error. It fails an hour
later, when a class of the cluster cannot be read (`InvalidClassException`), or it uses a protocol that the pipeline
does not understand.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from pydantic.dataclasses import dataclass

from limbeck.errors import ConfigError
from limbeck.records import STRICT

SETTING = "beam.job_server_jar"
# Maven's name of the jar, such as beam-runners-flink-1.19-job-server-2.64.0.jar.
_NAME = re.compile(r"beam-runners-(?:flink-(?P<flink>\d+\.\d+)|spark-3)-job-server-(?P<beam>\d+\.\d+\.\d+)\.jar")
_MAIN = re.compile(r"^Main-Class: *\S*\.(Flink|Spark)JobServerDriver\s*$", re.MULTILINE)
_PROPERTIES = "org/apache/beam/sdk/sdk.properties"
_VERSION = re.compile(r"^version *[=:] *(\d+\.\d+\.\d+)\s*$", re.MULTILINE)


@dataclass(frozen=True, config=STRICT)
class JobServerJar:
    """The engine and the versions that a jar is made for.

    Attributes:
      engine: `flink` or `spark`.
      beam: version of Beam; null if neither the jar nor its name contains it.
      flink: minor version of Flink, such as 1.19; null if the name does not contain it.
    """

    engine: str
    beam: str | None
    flink: str | None


def read(path: Path, setting: str = SETTING) -> JobServerJar:
    """Returns what a jar is made for. `setting` is the setting with the path, for messages.

    Raises:
      ConfigError: if there is no such file, or if it is not a job server.
    """
    try:
        with zipfile.ZipFile(path) as jar:
            manifest = jar.read("META-INF/MANIFEST.MF").decode(errors="replace")
            properties = jar.read(_PROPERTIES).decode(errors="replace") if _PROPERTIES in jar.namelist() else ""
    except FileNotFoundError:
        raise ConfigError(f"{setting} names no file: {path}") from None
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise ConfigError(f"{setting} must be a jar that can be read; {path} is none ({error})") from None
    main = _MAIN.search(manifest)
    if main is None:
        raise ConfigError(
            f"{setting} must be a job server of Beam, which `java -jar` starts; {path} has another main class: take "
            "the artifact whose name ends in -job-server"
        )
    named, own = _NAME.fullmatch(path.name), _VERSION.search(properties)
    beam = own[1] if own else named["beam"] if named else None
    return JobServerJar(main[1].lower(), beam, named["flink"] if named else None)


def assert_fits(path: Path, engine: str, beam: str, setting: str = SETTING) -> JobServerJar:
    """Returns what a jar is made for. Raises ConfigError if that is not this engine and this version of Beam.

    Args:
      path: the jar.
      engine: `flink` or `spark`.
      beam: version of Beam.
      setting: the setting with the path, for messages.
    """
    jar = read(path, setting)
    if jar.engine != engine:
        raise ConfigError(f"{setting} is a job server for {jar.engine}, but the engine is {engine}: {path}")
    if jar.beam is None:
        raise ConfigError(
            f"{setting} must be of Beam {beam}, as the pipeline is, but neither {path} nor its name says its "
            "version: give it the name that Maven gives it, with the version at the end"
        )
    if jar.beam != beam:
        raise ConfigError(
            f"{setting} must be of Beam {beam}, as the pipeline is, but {path} is of Beam {jar.beam}: take the "
            f"artifact of version {beam}"
        )
    return jar

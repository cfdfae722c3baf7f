"""Finds Java for a job server or a cluster, and asks for its version."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from limbeck.errors import ConfigError

# The versions on which Flink 1.19 and Spark 3.5 run.
VERSIONS = (8, 11, 17)
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')
_MODULES = 9
# Java's internal packages that Flink and Spark use. Their own scripts open them, but `java -jar` does not.
_OPENED = ("java.lang", "java.lang.invoke", "java.util", "java.nio", "sun.nio.ch")
_SECONDS = 30


def find(
    environment: Mapping[str, str],
    user: str = "beam.job_server_jar",
    remedy: str = "install it, or give beam.endpoint of a job server that runs elsewhere",
) -> str:
    """Returns the path of the program, from JAVA_HOME or from PATH.

    Args:
      environment: variables of the process.
      user: what needs Java, in the words of the error.
      remedy: what to do, in the words of the error.

    Raises:
      ConfigError: if there is none.
    """
    home = environment.get("JAVA_HOME")
    found = shutil.which("java", path=str(Path(home, "bin")) if home else environment.get("PATH", ""))
    if found is None:
        where = f"JAVA_HOME={home} has no bin/java" if home else "there is no java on PATH"
        raise ConfigError(f"{user} needs Java {_listed()}, but {where}: {remedy}")
    return found


def version(program: str, user: str = "a job server of Beam") -> int:
    """Returns the version of Java, such as 17.

    Args:
      program: path of the program.
      user: what needs Java, in the words of the error.

    Raises:
      ConfigError: if the version is not one of `VERSIONS`, or the program does not run.
    """
    try:
        said = subprocess.run(
            [program, "-version"], capture_output=True, text=True, timeout=_SECONDS, check=False
        ).stderr
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"{program} does not say its version ({error}): install Java {_listed()}") from None
    found = _VERSION.search(said)
    if found is None or int(found[1]) not in VERSIONS:
        raise ConfigError(
            f"{user} needs Java {_listed()}, but {program} says {' '.join(said.splitlines()[:1]) or 'nothing'}: set "
            "JAVA_HOME to another one"
        )
    return int(found[1])


def options(java_version: int) -> tuple[str, ...]:
    """Returns the options of Java for a job server, which needs little memory and no second garbage collector."""
    opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED]
    return ("-Xmx1g", "-XX:+UseSerialGC", *(opened if java_version >= _MODULES else ()))


def _listed() -> str:
    return f"{', '.join(map(str, VERSIONS[:-1]))} or {VERSIONS[-1]}"

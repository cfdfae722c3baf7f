"""Folders that look like an installed Flink or Spark: the names of jars and programs, and no Java in them."""

from __future__ import annotations

from pathlib import Path

FLINK_CONFIGURATION = "env:\n  java:\n    opts:\n      all: --add-opens=java.base/java.util=ALL-UNNAMED\n"


def write_spark(home: Path, version: str = "3.5.0", scala: str = "2.12", script: str = "exit 9") -> Path:
    """A Spark whose every program is a shell script."""
    (home / "jars").mkdir(parents=True)
    (home / "jars" / f"spark-core_{scala}-{version}.jar").touch()
    _program(home / "bin" / "spark-class", script)
    return home


def write_flink(home: Path, version: str = "1.19.3", script: str = "exit 9") -> Path:
    """A Flink whose every program is a shell script."""
    for folder in ("lib", "conf"):
        (home / folder).mkdir(parents=True)
    (home / "lib" / f"flink-dist-{version}.jar").touch()
    (home / "conf" / "config.yaml").write_text(FLINK_CONFIGURATION, encoding="utf-8")
    (home / "conf" / "log4j-console.properties").write_text("rootLogger.level = INFO\n", encoding="utf-8")
    for name in ("jobmanager.sh", "taskmanager.sh"):
        _program(home / "bin" / name, script)
    return home


def _program(path: Path, script: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)

"""Declares `engine`."""

from __future__ import annotations

import argparse
from pathlib import Path

from limbeck.cli.verbs.arguments import folder
from limbeck.cli.verbs.verb import Verb


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the action, the engine, the size of the cluster, and its ports."""
    add = parser.add_argument
    add("action", choices=("start",), metavar="ACTION", help="start: a cluster on this machine, until Ctrl-C")
    add("engine", choices=("flink", "spark"), metavar="ENGINE", help="flink or spark")
    add("--workers", type=int, default=2, metavar="N", help="processes that work; default: 2")
    add("--cores", type=int, default=1, metavar="N", help="tasks that a worker runs at a time; default: 1")
    add(
        "--port",
        type=int,
        metavar="N",
        help="port of the cluster; 0: a free one; default: 8081 (flink), 7077 (spark)",
    )
    add(
        "--job-server-jar",
        type=Path,
        metavar="FILE",
        help="Beam's job server for the engine, which is started, too; default: none",
    )
    add("--job-port", type=int, default=8099, metavar="N", help="port of the job server; default: 8099")
    add(
        "--home",
        type=folder,
        metavar="DIR",
        help="folder of an installed Flink or Spark; default: that of `make install-flink`, `make install-spark`",
    )
    add(
        "--logs", type=folder, metavar="DIR", help="folder that keeps the logs; default: they end with the cluster"
    )


VERB = Verb(
    "engine", "`engine start flink|spark`: a cluster on this machine, for Beam's steps or scoring", declare
)

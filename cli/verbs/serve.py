"""Declares `serve`."""

from __future__ import annotations

import argparse
from pathlib import Path

from limbeck.cli.verbs.arguments import add_finished_root
from limbeck.cli.verbs.verb import Verb


def declare(parser: argparse.ArgumentParser) -> None:
    """Declares the root of the run, the ports, and how requests are answered."""
    add_finished_root(parser)
    parser.add_argument("--port", type=int, default=8080, metavar="N", help="port of REST; default: 8080")
    parser.add_argument(
        "--grpc-port", type=int, default=8081, metavar="N", help="port of gRPC; 0: none; default: 8081"
    )
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes that answer on these ports; default: 1"
    )
    parser.add_argument(
        "--versions", type=int, default=2, metavar="N", help="the newest versions to serve; default: 2"
    )
    parser.add_argument(
        "--batch-size",
        type=int,
        default=1,
        metavar="N",
        help="most examples in a call of the model; default: 1",
    )
    parser.add_argument(
        "--batch-wait-ms",
        type=float,
        default=0.0,
        metavar="MS",
        help="how long a request waits for others while no call runs; default: 0",
    )
    parser.add_argument(
        "--record",
        type=Path,
        metavar="FOLDER",
        help="keep a sample of what clients send, for `drift`; default: nothing is kept",
    )
    parser.add_argument(
        "--record-share",
        type=float,
        default=0.01,
        metavar="SHARE",
        help="probability of a row to be kept; default: 0.01",
    )
    parser.add_argument(
        "--python",
        type=Path,
        metavar="FILE",
        help="interpreter that has KServe; default: that of `make install-server`",
    )


VERB = Verb("serve", "answer requests with the students that a run has pushed", declare)

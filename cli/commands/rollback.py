"""`rollback`: withdraws the newest students. Servers of the folder then answer with an earlier student."""

from __future__ import annotations

import argparse

from limbeck.cli import exit_codes
from limbeck.cli.local_run.run_folder import RunFolder
from limbeck.components.pusher import withdrawal


def execute(arguments: argparse.Namespace) -> int:
    """Withdraws versions, and says what is served now. Raises ConfigError if there is no such version."""
    serving = RunFolder(arguments.root.resolve()).serving
    done = withdrawal.withdraw(serving, arguments.to)
    for version in done.withdrawn:
        print(f"version {version} is withdrawn; to serve it again: mv {done.place / str(version)} {serving}")
    print(f"version {done.served} is the newest in {serving} now")
    return exit_codes.DONE

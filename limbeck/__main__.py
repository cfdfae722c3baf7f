"""The program of an installed Limbeck: `python -m limbeck`, or `limbeck`. It does the same as `pipeline.py`."""

from __future__ import annotations

import os
import sys


def run() -> None:
    """Runs the command line, and exits."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    from limbeck.cli.main import main

    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run()

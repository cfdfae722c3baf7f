"""A program that tells where it runs: `python -m tests.trainer.forked_program FILE CODE`."""

import json
import os
import sys
from pathlib import Path

from limbeck.trainer.process import lifeline


def main(arguments: list[str]) -> int:
    """Writes its parent and whether it found TensorFlow imported; returns the code that it was given."""
    lifeline.die_with_parent()
    found = {"parent": os.getppid(), "imported": "tensorflow" in sys.modules}
    Path(arguments[0]).write_text(json.dumps(found), encoding="utf-8")
    sys.stdout.write("said\n")
    return int(arguments[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

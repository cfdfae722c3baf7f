"""Writes the golden files anew: `python -m tests.kubeflow.goldens`."""

import tempfile
from pathlib import Path

from tests.kubeflow.goldens import compiled, kept

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for name, file in kept():
            file.write_text(compiled(name, Path(folder)), encoding="utf-8")

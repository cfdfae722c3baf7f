"""Starts the server in an environment where Limbeck is not installed: `python bootstrap.py PACKAGE PROGRAM ARGUMENTS`.

PACKAGE is the folder `limbeck`, and PROGRAM one of its modules. PYTHONPATH cannot be used to find the folder, because
beside it are the packages of another environment, or folders with the names of libraries.
"""

from __future__ import annotations

import importlib.util
import runpy
import sys
from pathlib import Path


def main(package: str, program: str) -> None:
    """Loads the package from its folder, and runs one of its modules."""
    # Removes the folder of this file, whose modules must not be found by their short names.
    del sys.path[0]
    spec = importlib.util.spec_from_file_location(
        "limbeck", Path(package, "__init__.py"), submodule_search_locations=[package]
    )
    assert spec is not None and spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    sys.modules["limbeck"] = module
    spec.loader.exec_module(module)
    runpy.run_module(program, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv.pop(1), sys.argv.pop(1))

"""The schemas of Kubernetes, which stand apart from the environment.

The client of Kubernetes imports `kubernetes_validate` where it is installed, and with it a grammar that takes more than
a second to build. TFX imports that client, so every process of every test would pay for it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parents[2] / ".venv" / "schemas"


def kubernetes_validate() -> Any:
    """Returns the package."""
    sys.path.append(str(_FOLDER))
    try:
        import kubernetes_validate as package
    except ModuleNotFoundError:
        raise RuntimeError(f"the schemas of Kubernetes are not in {_FOLDER}: run make .venv/development") from None
    finally:
        sys.path.remove(str(_FOLDER))
    return package

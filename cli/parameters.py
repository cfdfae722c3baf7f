"""Parameters of a run, as `submit` and `simulate` take them."""

from __future__ import annotations

import json
from typing import Any

from limbeck.errors import ConfigError


def json_object(text: str) -> dict[str, Any]:
    """Returns the value of `--parameters`. Raises ConfigError if it is not a JSON object."""
    try:
        given = json.loads(text)
    except ValueError as error:
        raise ConfigError(
            f"--parameters takes JSON such as '{{\"training_epochs\": 3}}', received {text!r}: {error}"
        ) from None
    if not isinstance(given, dict):
        raise ConfigError(f"--parameters takes an object of names and values, received {text!r}")
    return given

"""Results as JSON on standard output."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping


def print_json(value: object) -> None:
    """Print a value as JSON, numbers unrounded, null in place of numbers that JSON does not have."""
    print(json.dumps(_strict(value), allow_nan=False, indent=2))


def _strict(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

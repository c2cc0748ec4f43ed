"""What a version of a tool's parameters means, as a digest."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from studio.params import ToolParams

_WORDS = ("title", "description")


def schema_digest(model: type[ToolParams]) -> str:
    """Of the fields of ``model``: their names, types, defaults and bounds, not their words."""
    meaning = _without_words(model.model_json_schema())
    return sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()


def _without_words(part: Any) -> Any:
    if isinstance(part, list):
        return [_without_words(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        name: _without_words(value)
        for name, value in part.items()
        if not (name in _WORDS and isinstance(value, str))
    }

"""How parameters that an older release kept are brought to today's names and meanings.

A parameter model lists its steps in ``UPGRADES``, the oldest first: one leads from version 1
to 2, the next from 2 to 3. Its version is therefore one more than it has steps, and cannot be
raised without one. Steps stay for good, as rows and saved recipes do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Values = dict[str, Any]
"""Parameters of one tool by name, as JSON."""

Upgrade = Callable[[Values], Values]
"""From the values of one version to those of the next; takes and gives dicts of its own."""


def renamed(names: Mapping[str, str]) -> Upgrade:
    """A step that gives fields other names, by old name; all else stays as it is."""

    def rename(values: Values) -> Values:
        return {names.get(name, name): value for name, value in values.items()}

    return rename


def upgrade(values: Mapping[str, Any], version: int, steps: Sequence[Upgrade]) -> Values:
    """``values`` of ``version``, 1 to one more than there are steps, in the newest version."""
    upgraded = dict(values)
    for step in steps[version - 1 :]:
        upgraded = step(upgraded)
    return upgraded

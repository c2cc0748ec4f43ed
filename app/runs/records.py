"""Run records as doors that print JSON show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from app.language import said
from studio.errors import Region
from studio.record import RunRecord


def said_record(kept: Mapping[str, Any]) -> dict[str, Any]:
    """A record as its row keeps it, or a run gives it as JSON, with its words said."""
    record = RunRecord.model_validate(kept)
    return {
        **kept,
        "notes": [said(note) for note in record.notes],
        "regions": [said_region(region) for region in record.regions],
    }


def said_region(region: Region) -> dict[str, Any]:
    """A region with its words said."""
    return asdict(region) | {"text": said(region.text)}

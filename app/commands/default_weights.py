"""The models that a fresh studio installs: which of them are not there."""

from __future__ import annotations

from studio.models.weights import Installed, WeightStore


def lacking_defaults(store: WeightStore) -> list[str]:
    """The ids of default models that cannot be used."""
    return [
        spec.id
        for spec in store.catalogue.defaults()
        if not isinstance(store.status(spec.id), Installed)
    ]

"""Which stored output a run may start from, so that no network runs twice for one picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from studio.models.catalogue import load_catalogue
from studio.models.weights import WeightStore
from studio.params import ToolParams
from studio.record import RunRecord
from studio.settings import Settings
from studio.tools.registry import get_tool
from studio.tools.reuse import deciding_models, reuse_key

Digests = Mapping[str, Sequence[str]]
"""SHA-256 of a run's files by role, in order."""


def digests_by_role(files: Iterable[tuple[str, str]]) -> Digests:
    """``files``, as role and SHA-256, in order within each role."""
    by_role: dict[str, list[str]] = {}
    for role, digest in files:
        by_role.setdefault(role, []).append(digest)
    return by_role


class ReuseKeys:
    """What runs with the same parameters may take over, by today's tool and weights."""

    def __init__(self, settings: Settings, params: ToolParams) -> None:
        self._settings = settings
        self._params = params
        self._spec = get_tool(params.tool)

    def key(self, inputs: Digests) -> tuple[str, str] | None:
        """Role and key of an output that a run on ``inputs`` would make, to look for one made.

        None where such runs take nothing over.
        """
        if self._spec.reuse is None:
            return None
        key = reuse_key(self._spec, self._params, inputs, self._weights)
        return None if key is None else (self._spec.reuse.role, key)

    def key_of_made(self, inputs: Digests, record: RunRecord) -> tuple[str, str] | None:
        """As ``key``, of what a finished run has made for others to take over.

        None also where the run used weights that are not those of today: they were replaced
        while it ran.
        """
        key = self.key(inputs)
        if key is None:
            return None
        used = {(use.id, use.sha256) for use in record.weights}
        known = {(name.partition("/")[0], digest) for name, digest in self._weights.items()}
        return key if used <= known else None

    @cached_property
    def _weights(self) -> dict[str, str | None]:
        """SHA-256 of every file of every model that may decide, by model and file."""
        catalogue = load_catalogue()
        store = WeightStore(self._settings.weights_dir, catalogue)
        return {
            f"{model.id}/{name}": digest
            for model in deciding_models(self._spec, self._params, catalogue)
            for name, digest in store.accepted_digests(model.id).items()
        }

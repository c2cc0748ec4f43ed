"""The key of an output that later runs may take over: a digest of all that decides its pixels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256

from studio.models.catalogue import Catalogue, ModelSpec
from studio.params import ToolParams
from studio.tools.spec import ToolSpec


def reuse_key(
    spec: ToolSpec,
    params: ToolParams,
    inputs: Mapping[str, Sequence[str]],
    weights: Mapping[str, str | None],
) -> str | None:
    """SHA-256, in hexadecimal, that two runs share when either may use what the other has made.

    Everything counts that ``spec.reuse`` does not call free, so that a new parameter or role
    stops re-use until somebody has thought about it.

    Args:
        spec: the tool, in its version.
        params: of the run.
        inputs: SHA-256 of the files read, by role and in order.
        weights: SHA-256 of all weights that may decide, by name; None where not known.

    Returns:
        None where there is nothing to take over: the tool has no such output, or the run was
        itself given it.

    """
    reuse = spec.reuse
    if reuse is None or reuse.role in inputs:
        return None
    values = params.model_dump(mode="json", exclude=set(reuse.free_params))
    files = {role: list(group) for role, group in inputs.items() if role not in reuse.free_roles}
    decides = [spec.name, spec.version, reuse.role, values, files, dict(weights)]
    return sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def deciding_models(spec: ToolSpec, params: ToolParams, catalogue: Catalogue) -> list[ModelSpec]:
    """The models that such a run may open: the chosen one, and all that help it.

    Left out are those that could have been chosen in its place.
    """
    task = _chosen_task(spec, params, catalogue)
    return [
        model
        for model in catalogue.for_tool(spec.name)
        if model.id == params.method or model.task != task
    ]


def _chosen_task(spec: ToolSpec, params: ToolParams, catalogue: Catalogue) -> str | None:
    if params.method in catalogue:
        return catalogue.get(params.method).task
    return next((one.task for one in spec.built_in if one.id == params.method), None)

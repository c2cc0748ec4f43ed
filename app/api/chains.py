"""Forms that ask for a chain: its steps, and the files of each under ``N.ROLE``."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.datastructures import FormData, UploadFile

from app.api import fields
from app.api.refusals import invalid
from app.api.submissions import take_file
from db.actor import Actor
from db.types import Visibility
from studio.params import ToolParams
from studio.text import shown
from studio.tools.registry import get_tool, load_params, parse_params
from studio.tools.spec import ToolRole, ToolSpec
from studio.words import msg
from tasks.chains import STEP, ChainRequest, ResultOfStep, Step, naming_step, require_length
from tasks.files import StoredFile
from tasks.requests import ResultOf
from tasks.services import Services
from tasks.submit import require_may_submit

_TEXTS = {
    "steps": 'a JSON list, one recipe for each step, in order: {"tool": "upscale", '
    '"params": {"scale": 2}}, with "params_version" where it was saved earlier',
    "visibility": fields.VISIBILITY_TEXT,
    "batch_name": "for people, where there are several pictures",
}
_FILES = (
    "`N.ROLE`: files of step N. `1.image` holds the pictures, one chain for each; later steps take "
    "the result of the one before. A file, job:ID/ROLE, step:N/ROLE for what an earlier step "
    "makes, or the id of a saved face."
)
_RECIPE = {"tool": str, "params": dict, "params_version": int}


def chain_schema() -> dict[str, Any]:
    """The form of ``POST /v1/chains``."""
    texts: dict[str, Any] = {
        name: {"type": "string", "description": text} for name, text in _TEXTS.items()
    }
    texts["visibility"]["enum"] = [each.value for each in Visibility]
    files = {
        "type": "array",
        "items": {"type": "string", "format": "binary"},
        "description": _FILES,
    }
    return fields.multipart({**texts, "1.image": files}, required=["steps"], others=files)


def read_chain(services: Services, actor: Actor, form: FormData) -> ChainRequest:
    """What the form asks for; its files are stored.

    Raises:
        StudioError: a field, a file or a parameter is refused; nothing is queued then.

    """
    all_params = []
    for number, recipe in enumerate(_recipes(form), start=1):
        with naming_step(number):
            all_params.append(_params(recipe))
    specs = [get_tool(params.tool) for params in all_params]
    roles = {
        f"{number}.{role.name}": role
        for number, spec in enumerate(specs, start=1)
        for role in _roles(spec, number)
    }
    fields.require_known(form, [*_TEXTS, *roles])
    for spec in specs:
        require_may_submit(services, actor, spec.name)
    taken = {
        name: fields.all_or_none(
            partial(_take, services, actor, role), fields.files_or_names(form, name)
        )
        for name, role in roles.items()
    }
    main = f"1.{specs[0].main_role}"
    steps = []
    for number, (params, spec) in enumerate(zip(all_params, specs, strict=True), start=1):
        named = {role.name: taken[f"{number}.{role.name}"] for role in spec.roles[1:]}
        steps.append(Step(params, {role: files for role, files in named.items() if files}))
    return ChainRequest(
        [_picture(main, file) for file in taken[main]],
        steps,
        batch_name=fields.read_text(form, "batch_name"),
        visibility=fields.read_visibility(form),
    )


def _recipes(form: FormData) -> list[dict[str, Any]]:
    example = '[{"tool": "cutout"}, {"tool": "upscale", "params": {"scale": 2}}]'
    remedy = msg("Send one such as {example}.", example=example)
    recipes = fields.read_json(form, "steps", empty="[]")
    if not isinstance(recipes, list):
        raise invalid("steps", msg("this is not a JSON list of recipes"), remedy)
    require_length(len(recipes))
    for number, recipe in enumerate(recipes, start=1):
        if not isinstance(recipe, dict) or "tool" not in recipe:
            raise invalid(
                "steps",
                msg("step {number} is not an object that names a tool", number=number),
                remedy,
            )
        for name, value in recipe.items():
            # JSON's true would pass for a whole number.
            if not isinstance(value, _RECIPE.get(name, ())) or isinstance(value, bool):
                raise invalid(
                    "steps",
                    msg("step {number} has no such “{name}”", number=number, name=shown(name)),
                    remedy,
                )
    return recipes


def _params(recipe: dict[str, Any]) -> ToolParams:
    tool, values = get_tool(recipe["tool"]).name, recipe.get("params", {})
    if "params_version" in recipe:
        return load_params(tool, recipe["params_version"], values)
    return parse_params(tool, values)


def _roles(spec: ToolSpec, number: int) -> tuple[ToolRole, ...]:
    """Later steps get their picture from the step before."""
    return spec.roles if number == 1 else spec.roles[1:]


def _take(
    services: Services, actor: Actor, role: ToolRole, value: UploadFile | str
) -> StoredFile | ResultOf | ResultOfStep:
    if isinstance(value, UploadFile) or not value.startswith(STEP):
        return take_file(services, actor, role, value)
    try:
        return ResultOfStep.parse(value)
    except ValueError as error:
        remedy = msg("Send {step}N, {step}N/ROLE or {step}N/ROLE/POSITION.", step=STEP)
        raise invalid(role.name, msg("this does not name the result of a step"), remedy) from error


def _picture(field: str, file: StoredFile | ResultOf | ResultOfStep) -> StoredFile | ResultOf:
    if isinstance(file, ResultOfStep):
        raise invalid(
            field, msg("no step comes before the first"), msg("Send a file, or job:ID/ROLE.")
        )
    return file

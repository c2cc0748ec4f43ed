from __future__ import annotations

from typing import get_args

import pytest

from studio.errors import ModelUnavailableError, StudioError
from studio.models.cache import ModelCache
from studio.models.catalogue import Catalogue, ModelSpec, Task
from studio.models.weights import WeightStore
from studio.params import UpscaleParams
from studio.params.common import MadeFor, _is_a_network_name
from studio.settings import Settings
from studio.tools.choice import chosen_model, require_known
from studio.tools.registry import TOOLS
from studio.words import msg
from tests.studio.models.weight_factories import make_file, make_model

TASKS: list[tuple[str, Task]] = [
    ("cartoon", "cartoon"),
    ("faceswap", "face-swap"),
    ("inpaint", "inpainting"),
    ("upscale", "super-resolution"),
]


def built_in(tool: str, task: Task) -> list[str]:
    return [one.id for one in TOOLS[tool].built_in_for(task)]


class Shelf(ModelCache):
    """A cache of the models given, of which ``installed`` lie in the folder."""

    def __init__(self, *known: ModelSpec, installed: tuple[str, ...] = ()) -> None:
        settings = Settings(_env_file=None)
        super().__init__(WeightStore(settings.weights_dir, Catalogue(known)), settings)
        self._installed = installed

    def is_installed(self, model_id: str) -> bool:
        return model_id in self._installed


def model(model_id: str, tool: str, task: Task) -> ModelSpec:
    return make_model(make_file(), id=model_id, task=task, tools=(tool,))


def refusal_of(models: ModelCache, model_id: str, tool: str, task: Task) -> StudioError:
    with pytest.raises(StudioError) as refusal:
        chosen_model(models, model_id, tool, task)
    return refusal.value


@pytest.mark.parametrize(("tool", "task"), TASKS)
@pytest.mark.parametrize("model_id", ["nonsense", "stray"])
def test_chosen_model_that_does_not_fit_is_refused_naming_built_in_ones_then_installed(
    tool: str, task: Task, model_id: str
) -> None:
    models = Shelf(
        model("stray", "cutout", "matting"),
        *(model(one, tool, task) for one in ("absent", "present", "absent-too")),
        installed=("present",),
    )

    refusal = refusal_of(models, model_id, tool, task)

    ready = msg("{models}", models=(*built_in(tool, task), "present"))
    assert str(refusal).endswith(
        f". Choose from: {ready}; 2 more can be installed: "
        f"`studio weights list --tool {tool} --task {task}`."
    )


def test_chosen_model_unknown_where_nothing_is_installed_says_how_to_see_what_could_be() -> None:
    models = Shelf(model("gfp", "faceswap", "face-restoration"))

    refusal = refusal_of(models, "nonsense", "faceswap", "face-restoration")

    assert isinstance(refusal, ModelUnavailableError)
    assert refusal.code == "model.unknown"
    assert str(refusal) == (
        "There is no model called “nonsense”. None that would do is installed; "
        "`studio weights list --tool faceswap --task face-restoration` shows them all."
    )


def test_chosen_model_of_another_task_where_all_are_installed_promises_no_more() -> None:
    models = Shelf(
        model("stray", "upscale", "super-resolution"),
        model("net", "cutout", "matting"),
        installed=("net",),
    )
    refusal = refusal_of(models, "stray", "cutout", "matting")
    assert refusal.code == "model.other_tool"
    assert str(refusal).endswith(" here. Choose from: net.")


@pytest.mark.parametrize(("tool", "task"), TASKS)
def test_built_in_ones_hold_what_the_tool_takes_by_default(tool: str, task: Task) -> None:
    params = TOOLS[tool].params
    default = params.model_fields[params.METHOD_FIELD].default
    if tool == "upscale":
        assert default not in built_in(tool, task), "a network is the default there"
    else:
        assert default in built_in(tool, task)


CATALOGUE = Catalogue(
    (
        model("fit", "upscale", "super-resolution"),
        model("faces", "upscale", "face-restoration"),
        model("matte", "cutout", "matting"),
    )
)


@pytest.mark.parametrize(
    "params", [{"model": "fit"}, {"model": "interpolation"}, {"restore_model": "faces"}]
)
def test_require_known_takes_what_the_catalogue_or_the_tool_has_for_the_task(
    params: dict[str, str],
) -> None:
    require_known(CATALOGUE, UpscaleParams.model_validate({"model": "nearest"} | params))


@pytest.mark.parametrize(
    ("params", "code", "remedy"),
    [
        ({"model": "nonsense"}, "model.unknown", "interpolation, nearest, and fit."),
        ({"model": "matte"}, "model.other_tool", "interpolation, nearest, and fit."),
        ({"model": "faces"}, "model.other_tool", "interpolation, nearest, and fit."),
        ({"restore_model": "nonsense"}, "model.unknown", "faces."),
        ({"restore_model": "fit"}, "model.other_tool", "faces."),
    ],
)
def test_require_known_refuses_what_is_of_no_model_or_of_another_task(
    params: dict[str, str], code: str, remedy: str
) -> None:
    with pytest.raises(StudioError) as refusal:
        require_known(CATALOGUE, UpscaleParams.model_validate({"model": "nearest"} | params))
    assert refusal.value.code == code
    assert str(refusal.value).endswith(f". Choose from: {remedy}")


@pytest.mark.parametrize("tool", TOOLS)
def test_every_parameter_that_names_a_network_says_for_which_task(tool: str) -> None:
    for name, field in TOOLS[tool].params.model_fields.items():
        if _is_a_network_name.__name__ not in repr(field):
            continue
        [mark] = [mark for mark in field.metadata if isinstance(mark, MadeFor)]
        assert mark.task in get_args(Task), name

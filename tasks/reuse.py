"""Which stored output a run may start from, so that no network runs twice for one picture."""

from __future__ import annotations

from sqlalchemy.orm import Session

from db.actor import Actor
from db.repositories.jobs import FoundOutput, JobRepository
from studio.errors import ModelUnavailableError
from studio.models.catalogue import load_catalogue
from studio.models.weights import WeightStore
from studio.params import ToolParams
from studio.settings import Settings
from studio.tools.spec import get_tool
from tasks.services import Services


def find_reusable(
    services: Services, session: Session, actor: Actor, params: ToolParams, image_sha256: str
) -> FoundOutput | None:
    """The newest output of this picture that the actor may see and that settles such a run.

    One that a network made counts only if today's weights made it.
    """
    spec = get_tool(params.tool)
    if spec.reuse is None:
        return None
    values = params.model_dump(mode="json")
    others = [name for name in spec.reuse.settled_by if name != params.METHOD_FIELD]
    return JobRepository(session).find_output(
        actor,
        image_sha256,
        spec.reuse.role,
        method=params.method,
        tool_version=spec.version,
        params={name: values[name] for name in others},
        weights_sha256=_weights_sha256(services.settings, params.method),
    )


def _weights_sha256(settings: Settings, model_id: str) -> str | None:
    """None where the weights are not installed: any output is then better than none."""
    try:
        return WeightStore(settings.weights_dir, load_catalogue()).digest(model_id)
    except ModelUnavailableError:
        return None

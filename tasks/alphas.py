"""Which stored alpha a cutout may start from, so that no network runs twice for one picture."""

from __future__ import annotations

from sqlalchemy.orm import Session

from db.actor import Actor
from db.repositories.jobs import FoundAlpha, JobRepository
from studio.errors import ModelUnavailableError
from studio.models.catalogue import load_catalogue
from studio.models.weights import WeightStore
from studio.settings import Settings
from tasks.services import Services


def find_alpha(
    services: Services, session: Session, actor: Actor, image_sha256: str, model_id: str
) -> FoundAlpha | None:
    """The newest alpha of this picture that the actor may see and today's weights made."""
    weights_sha256 = _weights_sha256(services.settings, model_id)
    return JobRepository(session).find_alpha(actor, image_sha256, model_id, weights_sha256)


def _weights_sha256(settings: Settings, model_id: str) -> str | None:
    """None where the weights are not installed: any alpha is then better than none."""
    try:
        return WeightStore(settings.weights_dir, load_catalogue()).digest(model_id)
    except ModelUnavailableError:
        return None

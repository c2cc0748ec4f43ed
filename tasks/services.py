"""What every unit of work needs: settings, the database and the file store."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from db.session import SHORT_WAIT_S, Database
from studio.private import keep_private
from studio.settings import Settings, get_settings
from studio.storage import BlobStore, open_store


@dataclass(frozen=True, slots=True)
class Services:
    """Handed to each function of ``tasks``, so that tests bring their own."""

    settings: Settings
    database: Database
    blobs: BlobStore
    wait_s: float = SHORT_WAIT_S
    """How long to wait for a database that is away. People are told soon, workers wait."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Services:
        """The services that ``settings`` name; connects lazily."""
        return cls(
            settings=settings,
            database=Database(settings.resolved_database_url),
            blobs=open_store(settings.resolved_storage_url, settings.storage_endpoint_url),
        )


@lru_cache
def get_services() -> Services:
    """This process's services, from its environment; what it writes from then on is private."""
    settings = get_settings()
    keep_private(settings.data_dir)
    return Services.from_settings(settings)

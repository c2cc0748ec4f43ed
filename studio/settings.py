"""One settings object, read from ``STUDIO_*`` environment variables and ``.env``."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from studio.errors import SettingsError
from studio.validation import reason_of
from studio.words import msg

Network = IPv4Network | IPv6Network

ROOT = Path(__file__).resolve().parent.parent
"""The checkout: where ``weights/``, ``pages/`` and ``migrations/`` lie."""


class Settings(BaseSettings):
    """What an operator may change without touching code.

    The defaults are the embedded set-up: SQLite, a broker and blobs in ``data_dir``, no
    server of any kind. Production changes three addresses: ``database_url``,
    ``broker_url`` and ``storage_url``.
    """

    model_config = SettingsConfigDict(
        env_prefix="STUDIO_", env_file=".env", extra="ignore", frozen=True
    )

    data_dir: Path = ROOT / "data"
    """Database, blobs, broker folders, logs and sockets of the embedded set-up."""
    weights_dir: Path = ROOT / "weights"
    """Where weight files are placed."""
    catalogue_path: Path = ROOT / "weights" / "catalogue.toml"
    """What weights there are; networks of a team's own go into ``local_catalogue_path``."""

    weight_mirrors: str = ""
    """Hosts inside your own network that weights may come from, with commas between them."""

    database_url: str = ""
    """SQLAlchemy address; empty means SQLite in ``data_dir``."""
    broker_url: str = ""
    """``redis://`` or ``amqp://`` address; empty means files in ``data_dir``."""
    storage_url: str = ""
    """fsspec address such as ``s3://bucket/prefix``; empty means files in ``data_dir``."""
    storage_endpoint_url: str | None = None
    """S3-compatible endpoint, when it is not the default one."""

    host: str = "127.0.0.1"
    port: int = 8501
    public_url: str = ""
    """The address people use, when a proxy stands before the studio."""
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = ()
    """Addresses or networks, with commas between, whose ``X-Forwarded-For`` is believed."""
    secure_cookies: bool = False
    """Set when the studio is served over HTTPS."""
    session_days: int = Field(default=14, ge=1)
    admin_name: str = "admin"
    admin_password: SecretStr | None = None
    """One-time password of the first admin; generated and printed when unset."""
    sign_in_attempts: int = Field(default=5, ge=1)
    """Failed sign-ins of one browser or address under one name before it has to wait."""
    sign_in_longest_wait_s: float = Field(default=30, gt=0)
    """Waits double with each further failure, up to this."""
    sign_in_window_s: float = Field(default=300, gt=0)
    """Failures are forgotten after this long."""

    max_upload_bytes: int = Field(default=100_000_000, gt=0)
    max_pixels: int = Field(default=80_000_000, gt=0)
    max_files_per_run: int = Field(default=50, ge=1)

    network_workers: int = Field(default=1, ge=0)
    """Worker processes of the ``gpu`` lane, one resident set of models each."""
    light_workers: int = Field(default=1, ge=0)
    """Worker processes of the ``cpu`` and ``maintenance`` lanes."""
    threads: int = Field(default=0, ge=0)
    """Threads one network may use; 0 means the cores of the machine over ``network_workers``."""
    device: Literal["cpu", "cuda"] | None = None
    """Where networks run; empty means the best that is there."""
    model_cache_bytes: int = Field(default=0, ge=0)
    """Budget of resident models a process; 0 means a quarter of the machine's memory."""
    embed_provenance: bool = True
    """Write the provenance block into every output."""

    lease_s: float = Field(default=30, gt=0)
    """A running job whose worker has been silent this long is given to another."""
    heartbeat_s: float = Field(default=0.3, gt=0)
    """How often a worker renews its lease, writes progress and reads the cancel flag."""
    reconcile_s: float = Field(default=5, gt=0)
    """How often the queue is looked through for expired leases and tokens that are missing."""
    deaf_after_s: float = Field(default=45, gt=0)
    """A worker that has taken no token for this long, while some were sent for it, is restarted; so
    is a beat that has hung for as long."""
    max_attempts: int = Field(default=3, ge=1)
    broker_poll_s: float = Field(default=0.1, gt=0)
    """How often the embedded broker looks for wake-up tokens."""
    trash_days: int = Field(default=30, ge=0)
    """Runs in the trash are purged with their files after this long."""

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return _between_commas(value)
        return value

    @field_validator("weight_mirrors")
    @classmethod
    def _mirrors_named(cls, value: str) -> str:
        for mirror in _between_commas(value):
            _host(mirror)
        return value

    @field_validator("device", mode="before")
    @classmethod
    def _device_named(cls, value: object) -> object:
        """``CUDA`` is ``cuda``, and an empty variable is none."""
        return (value.strip().lower() or None) if isinstance(value, str) else value

    @property
    def local_catalogue_path(self) -> Path:
        """Networks a team adds to the catalogue that ships, where there are any."""
        return self.weights_dir / "catalogue.local.toml"

    @property
    def trusted_weight_hosts(self) -> frozenset[str]:
        """The hosts of ``weight_mirrors``, as ``canonical_host`` writes them, without a port."""
        return frozenset(_host(mirror) for mirror in _between_commas(self.weight_mirrors))

    @property
    def resolved_database_url(self) -> str:
        """The database address in force."""
        return self.database_url or f"sqlite:///{self.data_dir / 'studio.db'}"

    @property
    def resolved_storage_url(self) -> str:
        """The storage address in force."""
        return self.storage_url or f"file://{self.data_dir / 'blobs'}"

    @property
    def is_embedded_broker(self) -> bool:
        """Whether wake-up tokens travel through files in ``data_dir``."""
        return not self.broker_url


def _between_commas(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def canonical_host(host: str) -> str:
    """A name or address, without brackets, in the one form in which hosts are compared."""
    with suppress(ValueError):
        return str(ip_address(host))
    return host.lower()


def _host(mirror: str) -> str:
    """The host that ``mirror`` is, with or without a port; ``ValueError`` where it is none."""
    with suppress(ValueError):
        return str(ip_address(mirror))  # of version 6, it has colons of its own
    with suppress(ValueError):
        parts = urlsplit(f"//{mirror}")
        if parts.hostname and parts.netloc == mirror and parts.username is None:
            return canonical_host(parts.hostname)
    raise ValueError(
        msg("“{mirror}” is no host alone, without https:// and without a path", mirror=mirror)
    )


@lru_cache
def get_settings() -> Settings:
    """The process's settings; tests that change the environment clear this cache.

    Raises:
        SettingsError: one of them cannot be used; what it was set to is not repeated.

    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"STUDIO_{first['loc'][0]}".upper()
        raise SettingsError(
            msg(
                "{name} cannot be used: {reason}. Mend it in the environment or in .env.",
                name=name,
                reason=reason_of(first),
            )
        ) from error

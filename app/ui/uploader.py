"""Taking pictures in: each is checked and stored the moment it is dropped.

The uploader is emptied after every drop, so no upload stays in the web process's memory;
what the page remembers is a digest, a name and a thumbnail of a few kilobytes.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from html import escape
from threading import RLock

import streamlit as st

from app.runs import stored_file
from app.ui import states
from app.ui.format import count, dimensions, file_size
from app.ui.links import thumbnail_url
from db.models import JobInput
from studio.errors import UserInputError
from tasks.services import Services
from tasks.submit import StoredFile, store_upload

ACCEPTED = ["jpg", "jpeg", "png", "webp", "tif", "tiff", "bmp", "gif", "avif", "heic", "heif"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A picture that passed every check and lies in storage."""

    file: StoredFile
    size_bytes: int
    thumbnail: str
    """Address of a small picture: a route, or the picture itself as a data address."""


@dataclass(slots=True)
class Tray:
    """The pictures a page holds, and the refusals of its last drop.

    A widget that changes while a drop is checked starts the page's next run at once, beside
    the one that checks. Both share this tray, so the later one waits for the earlier.
    """

    chosen: list[Chosen] = field(default_factory=list)
    refused: list[UserInputError] = field(default_factory=list)
    drops: int = 0
    _lock: RLock = field(default_factory=RLock, repr=False, compare=False)

    @property
    def files(self) -> list[StoredFile]:
        """What was chosen, in order."""
        return [one.file for one in self.chosen]

    def take(
        self,
        services: Services,
        files: Iterable[tuple[str, bytes]],
        *,
        limit: int,
        drop: int | None = None,
    ) -> None:
        """Check and store ``files``; the good ones go on, the others are named.

        ``drop`` says which drop they are, so that two runs of a page take it once.
        """
        with self._lock:
            if drop not in (None, self.drops):
                return
            self.refused = []
            self.drops += 1
            for file_name, data in files:
                try:
                    self._take_one(services, file_name, data, limit)
                except UserInputError as error:
                    self.refused.append(error)

    def settle(self) -> None:
        """Wait until no other run of the page is taking a drop."""
        with self._lock:
            pass

    def take_input(self, used: JobInput) -> None:
        """Take the file that an earlier run read."""
        blob = used.blob
        self.chosen.append(Chosen(stored_file(used), blob.size_bytes, thumbnail_url(blob.sha256)))

    def empty(self) -> None:
        """Forget everything, so that the next drop starts afresh."""
        self.chosen = []
        self.refused = []
        self.drops += 1

    def _take_one(self, services: Services, file_name: str, data: bytes, limit: int) -> None:
        if len(self.chosen) >= limit:
            raise UserInputError(
                f"A run takes at most {count(limit, 'picture')}",
                remedy="Run these first, then add the rest.",
                code="run.too_many_files",
                file_name=file_name,
            )
        stored = store_upload(services, file_name, data)
        if all(one.file.sha256 != stored.sha256 for one in self.chosen):
            self.chosen.append(Chosen(stored, len(data), _data_address(stored.thumbnail_jpeg)))


def tray(key: str) -> Tray:
    """The tray called ``key`` of this browser tab, once nothing is being put into it."""
    state = f"{key}.tray"
    if state not in st.session_state:
        st.session_state[state] = Tray()
    held: Tray = st.session_state[state]
    held.settle()
    return held


def pick_files(services: Services, held: Tray, *, key: str, limit: int, label: str) -> None:
    """Draw the drop zone, take what is dropped into ``held``, and name what was refused."""
    drop = held.drops
    uploads = st.file_uploader(
        label,
        type=ACCEPTED,
        accept_multiple_files=limit > 1,
        key=f"{key}.drop.{drop}",
        max_upload_size=_accepted_megabytes(services.settings.max_upload_bytes),
        label_visibility="collapsed",
    )
    if uploads:
        several = uploads if isinstance(uploads, list) else [uploads]
        with st.spinner(f"Checking {count(len(several), 'file')}…"):
            files = ((one.name, one.getvalue()) for one in several)
            held.take(services, files, limit=limit, drop=drop)
        st.rerun()
    states.refusals(held.refused)


def show_tray(held: Tray, describe: Callable[[StoredFile], str] | None = None) -> None:
    """A thumbnail, name and size of each picture, and what ``describe`` adds."""
    if not held.chosen:
        return
    figures = "".join(_figure(one, describe(one.file) if describe else "") for one in held.chosen)
    st.html(f'<div class="dr-files">{figures}</div>')


def _figure(one: Chosen, more: str) -> str:
    name = escape(one.file.file_name)
    size = dimensions(one.file.width_px, one.file.height_px)
    return (
        f'<figure><img src="{one.thumbnail}" alt=""><figcaption><b title="{name}">{name}</b>'
        f'<span class="dr-muted">{size} · {file_size(one.size_bytes)}</span>'
        f"<span>{escape(more)}</span></figcaption></figure>"
    )


def _data_address(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"


def _accepted_megabytes(max_bytes: int) -> int:
    # What the uploader itself refuses vanishes from the page with the next drop, so files
    # somewhat over the bound are let through to get the same lasting sentence as the others.
    return 2 * -(-max_bytes // 2**20)

"""What a page holds: pictures that were checked and stored the moment they came.

What the page remembers of each is a digest, a name and a thumbnail of a few kilobytes. What lies
in a tray is on record for its owner, so that it is there again after a reload.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import RLock

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app.runs.addresses import thumbnail_url
from app.runs.page_memory import KeptTray, keep_tray, recall_tray
from app.runs.reading import stored_file
from app.ui.dropped import Source, sources
from app.ui.refused import Refused
from app.ui.signed_in import require_user
from app.ui.unbroken import unbroken
from db.errors import RecordError
from db.models import JobInput, JobOutput
from studio.errors import RetriableError, StudioError, UserInputError
from studio.words import msg, msgs
from tasks.files import StoredFile
from tasks.services import Services, get_services
from tasks.submit import store_upload


@dataclass(frozen=True, slots=True)
class Chosen:
    """A picture that passed every check and lies in storage."""

    file: StoredFile
    size_bytes: int
    thumbnail: str
    """Address of a small picture: a route, or the picture itself as a data address."""


def _keep_nothing(_files: Sequence[StoredFile]) -> None:
    """For what goes with its page."""


@dataclass(slots=True)
class Tray:
    """The pictures a page holds, and what was refused since they were last cleared.

    Attributes:
        refused: what was refused and is not dismissed yet.
        forgotten: names of what lay here for so long that it was let go.
        keep: puts on record what is to be held, before it is.

    A browser that lost its connection while a drop is checked and is back has a run of its page
    beside the one that checks. Both share this tray, so the later one waits for the earlier.
    """

    chosen: Sequence[Chosen] = ()
    refused: Refused = field(default_factory=Refused)
    forgotten: Sequence[str] = ()
    drops: int = 0
    keep: Callable[[Sequence[StoredFile]], None] = field(default=_keep_nothing, repr=False)
    _read: set[str] = field(default_factory=set, repr=False, compare=False)
    """Ids of what was taken from the drop zone that is drawn; it holds them still."""
    _first_drop: int | None = field(default=None, repr=False, compare=False)
    _lock: RLock = field(default_factory=RLock, repr=False, compare=False)

    @property
    def files(self) -> list[StoredFile]:
        """What was chosen, in order."""
        return [one.file for one in self.chosen]

    def take(
        self,
        services: Services,
        files: Iterable[tuple[str, Source]],
        *,
        limit: int,
        owner: Hashable = None,
    ) -> None:
        """Check and store ``files``; the good ones go on, the others are named.

        Where there is room for one file alone, a good one takes the place of the one that is held.
        ``owner`` says whose they are, so that nobody else waits for them.
        """
        with self._lock:
            self.forgotten = ()
            self._renew()
            self._fill(services, files, limit, owner)

    def take_drop(
        self,
        services: Services,
        uploads: Sequence[UploadedFile],
        *,
        limit: int,
        drop: int,
        owner: Hashable,
    ) -> None:
        """As ``take``, of what lies in the drop zone ``drop``; each once, whichever run is first.

        What is dropped while others are checked lies in the same zone afterwards, which stays
        until ``renew`` is called. Where there is room for one file alone, what was refused before
        is forgotten: a drop is another try.
        """
        with self._lock:
            new = self.unread(uploads)
            if drop != self.drops or not new:
                return
            if not self.chosen:
                self._first_drop = drop
            ids = {one.file_id for one in uploads}
            if self._read.isdisjoint(ids):  # it is another drop, in this zone or in its place
                self.forgotten = ()
                if limit == 1:
                    self.dismiss()
            self._read = ids
            self._fill(services, sources(new), limit, owner)

    def renew(self, drop: int) -> None:
        """Have another drop zone in place of ``drop``, of which all was taken."""
        with self._lock:
            if drop == self.drops:
                self._renew()

    @property
    def is_in_first_zone(self) -> bool:
        """Whether the drop zone that is drawn is the one that filled the empty tray."""
        return self.drops == self._first_drop

    def unread(self, uploads: Sequence[UploadedFile]) -> Sequence[UploadedFile]:
        """Those of the drop zone that were not taken yet."""
        return [one for one in uploads if one.file_id not in self._read]

    def settle(self) -> None:
        """Wait until no other run of the page is taking a drop."""
        with self._lock:
            pass

    def hold(self, *files: JobInput | JobOutput) -> None:
        """Hold these files of earlier runs, and nothing else."""
        with self._lock:
            chosen: Sequence[Chosen] = ()
            for file in files:
                chosen = _with(chosen, _stored(stored_file(file), file.blob.size_bytes))
            self._begin_with(chosen)

    def add(self, file: StoredFile, size_bytes: int) -> None:
        """Take a file that is in storage already, unless it is held."""
        with self._lock:
            self._become(_with(self.chosen, _stored(file, size_bytes)))

    def remove(self, sha256: str) -> None:
        """Take one picture out."""
        with self._lock:
            self._become([one for one in self.chosen if one.file.sha256 != sha256])

    def empty(self) -> None:
        """Forget everything, so that the next drop starts afresh."""
        with self._lock:
            self._begin_with(())

    def dismiss(self) -> None:
        """Forget what was refused: it was read."""
        with self._lock:
            self.refused = Refused()

    def _fill(
        self,
        services: Services,
        files: Iterable[tuple[str, Source]],
        limit: int,
        owner: Hashable,
    ) -> None:
        chosen, files = self.chosen, iter(files)
        try:
            for file_name, source in files:
                try:
                    others = () if limit == 1 else chosen  # its place is taken
                    _require_room(others, limit)
                    new = _take_one(services, file_name, source, owner)
                    _require_new(others, new)
                    chosen = [*others, new]
                except (StudioError, RecordError) as error:
                    self.refused = self.refused.plus(_refusal(file_name, error))
                except BaseException:
                    left = [file_name, *(name for name, _source in files)]
                    self.refused = self.refused.plus(*map(_broken_off, left))
                    raise
        finally:
            self._take_up(chosen)

    def _renew(self) -> None:
        """Have another drop zone in place of the one that holds what was dropped."""
        self.drops += 1
        self._read.clear()

    def _take_up(self, chosen: Sequence[Chosen]) -> None:
        """Hold ``chosen`` of a drop, or name what of it could not be put on record."""
        try:
            self._become(chosen)
        except (StudioError, RecordError) as error:
            new = [one for one in chosen if one not in self.chosen]
            refusals = [_refusal(one.file.file_name, error) for one in new]
            self.refused = self.refused.plus(*refusals)

    def _begin_with(self, chosen: Sequence[Chosen]) -> None:
        self._become(chosen)
        self.forgotten = ()
        self.dismiss()
        self._renew()

    def _become(self, chosen: Sequence[Chosen]) -> None:
        """Hold ``chosen`` once that is on record: what fails to be changes nothing."""
        self.keep([one.file for one in chosen])
        self.chosen = chosen


def tray(key: str) -> Tray:
    """The person's tray called ``key`` in this browser tab, once nothing is being put into it.

    A tab takes up what was left there last, by whichever tab, and then keeps its own.
    """
    state = f"{key}.tray"
    if state not in st.session_state:
        kept = recall_tray(get_services(), require_user(), key)
        st.session_state[state] = _filled(kept, partial(_keep, key))
    held: Tray = st.session_state[state]
    held.settle()
    return held


def _keep(key: str, files: Sequence[StoredFile]) -> None:
    """Put the tray ``key`` on record for who looks now: a tab outlives its first session."""
    with unbroken():  # nothing of Streamlit's may break a run off between a drop and its record
        keep_tray(get_services(), require_user(), key, files)


def passing_tray(key: str) -> Tray:
    """As ``tray``, for pictures that go with the page that shows them."""
    held: Tray = st.session_state.setdefault(f"{key}.tray", Tray())
    held.settle()
    return held


def _require_room(chosen: Sequence[Chosen], limit: int) -> None:
    if len(chosen) >= limit:
        raise UserInputError(
            msgs(
                "There is room for {n} picture here", "There is room for {n} pictures here", limit
            ),
            remedy=msg("Take one out first, then drop it again."),
            code="run.too_many_files",
        )


def _broken_off(file_name: str) -> UserInputError:
    return UserInputError(
        msg("The check broke off"),
        remedy=msg("Drop it again."),
        code="upload.broken_off",
        file_name=file_name,
    )


def _require_new(chosen: Sequence[Chosen], new: Chosen) -> None:
    held = next((one.file for one in chosen if one.file.sha256 == new.file.sha256), None)
    if held is not None:
        raise UserInputError(
            msg("The same picture is here already, as “{name}”", name=held.file_name),
            remedy=msg("It is run once."),
            code="upload.twice",
        )


def _take_one(services: Services, file_name: str, source: Source, owner: Hashable) -> Chosen:
    if isinstance(source, StudioError):
        raise source
    stored = store_upload(services, file_name, source, owner=owner)
    return Chosen(stored, stored.size_bytes, _data_address(stored.thumbnail_jpeg))


def _with(chosen: Sequence[Chosen], new: Chosen) -> Sequence[Chosen]:
    """The same picture is held once, as widgets are named after it."""
    if any(one.file.sha256 == new.file.sha256 for one in chosen):
        return chosen
    return [*chosen, new]


def _stored(file: StoredFile, size_bytes: int) -> Chosen:
    return Chosen(file, size_bytes, thumbnail_url(file.sha256))


def _filled(kept: KeptTray, keep: Callable[[Sequence[StoredFile]], None]) -> Tray:
    chosen = [_stored(one.file, one.size_bytes) for one in kept.files]
    if kept.forgotten:
        keep([one.file for one in kept.files])
    return Tray(chosen, forgotten=kept.forgotten, keep=keep)


def _refusal(file_name: str, error: StudioError | RecordError) -> UserInputError:
    """Why the file is not held, in a sentence that names it."""
    match error:
        case UserInputError():
            return error if error.file_name else error.naming(file_name)
        case RetriableError():
            reason = msg("The studio could not read it in time")
            remedy = msg("Drop it again in a minute.")
        case _:
            reason, remedy = msg("The studio could not keep it"), error.message
    return UserInputError(reason, remedy=remedy, code=error.code, file_name=file_name)


def _data_address(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"

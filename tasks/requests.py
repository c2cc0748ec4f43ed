"""What people ask to be run: pictures with parameters, and how the runs are kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from db.types import Origin, Visibility
from studio.errors import UserInputError
from studio.params import ToolParams
from studio.text import line
from studio.tools.estimate import require_inputs_fit, require_output_fits
from studio.tools.registry import get_tool, parse_params
from studio.tools.sizes import require_size_of_main
from studio.tools.spec import RESULT_ROLE, ToolSpec
from studio.words import Message, msg, msgs
from tasks.files import StoredFile

MAX_BATCH_NAME_CHARS = 200
JOB = "job:"
"""Begins the name of what another job makes."""
_MAX_DIGITS = 6


@dataclass(frozen=True, slots=True)
class ResultOf:
    """A file that another job has made, or is to make: the job is waited for then.

    ``position`` counts its outputs of that role.
    """

    job_id: UUID
    role: str = RESULT_ROLE
    position: int = 0

    @classmethod
    def parse(cls, text: str) -> ResultOf:
        """What ``job:ID``, ``job:ID/ROLE`` or ``job:ID/ROLE/POSITION`` names, else ValueError."""
        job_id, role, position = parse_result(JOB, text)
        return cls(UUID(job_id), role, position)


@dataclass(frozen=True, slots=True)
class RunItem:
    """One job of a request.

    Attributes:
        files: what it reads, by role; of a role that may be repeated several, in order.
        overrides: the parameters in which it differs from the request, by name.
        taken_over: the roles whose files nobody gave: an earlier run made them, without having been
            given one.

    """

    files: Mapping[str, Sequence[StoredFile | ResultOf]]
    overrides: Mapping[str, Any] = field(default_factory=dict)
    taken_over: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One job for each item; two items or more form a batch.

    Attributes:
        params: of the tool that shall run, shared by all items.
        items: at least one.
        batch_name: for people; of no effect on a single item.
        visibility: who will see the jobs; where nobody says (None), what each is made from decides:
            private where ``parent_id`` or a job whose result it takes is, else the team.
        parent_id: the job that these are made from, or are another attempt at.
        origin: what ``parent_id`` is to them.

    """

    params: ToolParams
    items: Sequence[RunItem]
    batch_name: str = ""
    visibility: Visibility | None = None
    parent_id: UUID | None = None
    origin: Origin | None = None

    @property
    def spec(self) -> ToolSpec:
        """The tool that is asked for.

        Raises:
            UserInputError: ``tool.unknown``.

        """
        return get_tool(self.params.tool)

    def main_file(self, item: RunItem) -> StoredFile | ResultOf:
        """The file that names ``item``'s job; its roles must have been checked."""
        return item.files[self.spec.main_role][0]

    def params_of(self, item: RunItem) -> ToolParams:
        """The request's parameters with the item's own, checked together.

        Raises:
            UserInputError: ``params.invalid``, naming the item, its file and the field at fault.

        """
        if not item.overrides:
            return self.params
        try:
            return parse_params(
                self.params.tool, {**self.params.model_dump(mode="json"), **item.overrides}
            )
        except UserInputError as error:
            main = self.main_file(item)
            raise UserInputError(
                msg(
                    "item {number}, {reason}",
                    number=self.items.index(item) + 1,
                    reason=error.reason,
                ),
                remedy=error.remedy,
                code=error.code,
                file_name=main.file_name if isinstance(main, StoredFile) else "",
            ) from error


def parse_result(prefix: str, text: str) -> tuple[str, str, int]:
    """The three parts of a name such as ``job:ID/ROLE/POSITION``; the last two may be left out.

    ValueError for what is no such name.
    """
    if not text.startswith(prefix):
        raise ValueError(text)
    parts = text.removeprefix(prefix).split("/")
    whose, role, position = [*parts, *("", RESULT_ROLE, "0")[len(parts) :]]
    return whose, role, whole_number(position)


def whole_number(text: str) -> int:
    """ValueError for what is none, or is longer than any of ours."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise ValueError(text)
    return int(text)


def require_well_formed(request: RunRequest, *, max_items: int, max_pixels: int) -> None:
    """Refuse what no studio could run: no items, too many, or files that do not fit or suffice.

    Raises:
        UserInputError: ``tool.unknown``, ``submit.empty``, ``submit.too_many`` or
            ``submit.role``; ``params.invalid`` for overrides, what the tool itself says is
            lacking, as ``require_inputs_fit``, ``require_sizes`` and ``require_result_fits`` do,
            or ``text.invalid`` for the batch's name.

    """
    spec = request.spec
    line(request.batch_name, MAX_BATCH_NAME_CHARS, what=msg("The name of the batch"))
    if not request.items:
        raise UserInputError(
            msg("There is no picture to run"), remedy=msg("Add at least one."), code="submit.empty"
        )
    if len(request.items) > max_items:
        raise UserInputError(
            msgs(
                "{n} picture is too many for one run",
                "{n} pictures are too many for one run",
                len(request.items),
            ),
            remedy=msg("Run at most {max_items} at a time.", max_items=max_items),
            code="submit.too_many",
        )
    for item in request.items:
        _require_roles(spec, item)
        _require_enough(request, item)
        _require_inputs_fit(item.files.values(), max_pixels)
        require_sizes(spec, item)
        require_result_fits(request.params_of(item), request.main_file(item), max_pixels=max_pixels)


def require_result_fits(
    params: ToolParams, main: StoredFile | ResultOf, *, max_pixels: int
) -> None:
    """Refuse a picture whose result would break a limit; one that is yet to be made passes here.

    Raises:
        UserInputError: as ``require_output_fits`` does, naming the file.

    """
    size_px = _size_px(main)
    if size_px and isinstance(main, StoredFile):
        with _naming(main):
            require_output_fits(params, *size_px, max_pixels=max_pixels)


def require_sizes(spec: ToolSpec, item: RunItem) -> None:
    """Refuse a file that must have the size of the item's picture and has another.

    What is yet to be made passes here; the tool looks again.

    Raises:
        UserInputError: as ``require_size_of_main`` does, naming the file.

    """
    main = item.files[spec.main_role][0]
    for role in (role for role in spec.roles if role.is_sized_as_main):
        for file in item.files.get(role.name, ()):
            size_px, main_px = _size_px(file), _size_px(main)
            if size_px and main_px and isinstance(file, StoredFile):
                with _naming(file):
                    require_size_of_main(spec, role.name, size_px, main_px)


def _size_px(file: StoredFile | ResultOf) -> tuple[int, int] | None:
    """Width and height, where they are known by now."""
    if isinstance(file, ResultOf) or not file.width_px or not file.height_px:
        return None
    return file.width_px, file.height_px


@contextmanager
def _naming(file: StoredFile) -> Iterator[None]:
    """Refusals from within are of ``file``."""
    try:
        yield
    except UserInputError as error:
        raise error.naming(file.file_name) from error


def _require_roles(spec: ToolSpec, item: RunItem) -> None:
    known = {role.name for role in spec.roles}
    missing = tuple(
        role
        for role in dict.fromkeys([*spec.required_roles, *item.files])
        if not item.files.get(role)
    )
    unknown = tuple(sorted(item.files.keys() - known))
    if missing or unknown:
        title = Message(spec.title)
        raise UserInputError(
            msg("{title} has no file as {missing}", title=title, missing=missing)
            if missing
            else msg("{title} cannot use files as {unknown}", title=title, unknown=unknown),
            remedy=msg(
                "It needs {needed}, and takes {known}.",
                needed=tuple(spec.required_roles),
                known=tuple(sorted(known)),
            ),
            code="submit.role",
        )
    for role, files in item.files.items():
        excess = spec.too_many_files(role, len(files), code="submit.role")
        if excess is not None:
            raise excess


def _require_enough(request: RunRequest, item: RunItem) -> None:
    lack = request.params_of(item).lacks(item.files)
    if lack is not None:
        main = request.main_file(item)
        raise lack.naming(main.file_name) if isinstance(main, StoredFile) else lack


def _require_inputs_fit(
    files_by_role: Iterable[Sequence[StoredFile | ResultOf]], max_pixels: int
) -> None:
    pixels = 0
    for file in (file for files in files_by_role for file in files):
        if isinstance(file, StoredFile):
            pixels += (file.width_px or 0) * (file.height_px or 0)
            require_inputs_fit(pixels, file.file_name, max_pixels=max_pixels)

"""What a tool is, as data: each has a ``spec.py`` that states its own facts in these terms.

Importing this module loads no network and no cv2, and no ``spec.py`` may.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from studio.errors import UserInputError
from studio.imaging.picture import Picture
from studio.models.catalogue import Task
from studio.params import ToolParams
from studio.words import N_, Message, msg, msgs, verbatim

if TYPE_CHECKING:
    from studio.models.cache import ModelCache
    from studio.report import Report


DRAWING_ROLE = "drawing"
"""The role of a painted mask: JSON, rendered to a picture of the main input's size."""

RESULT_ROLE = "image"
"""The output role of what a run was asked for, in the format that the params ask for."""

MASK_ROLE = "mask"
"""The role of a given mask, and of the one that a run has finished and worked under."""

GREY_ROLES = ("alpha", MASK_ROLE)
"""Output roles that hold one channel."""


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """One picture a tool made.

    ``role`` is ``RESULT_ROLE`` for the result. ``GREY_ROLES`` are stored
    losslessly as grey PNG, taken from ``picture.alpha``; any other role as RGB PNG.
    """

    role: str
    picture: Picture


class ToolInputs(Mapping[str, Picture]):
    """The pictures a tool reads, by role; of a role given several times, the first.

    A "drawing" comes rendered: white where it paints, black where it erases, and transparent
    where it leaves the mask beneath as it is.

    Args:
        pictures: by role.
        file_names: of the pictures, by role in the same order; what is not named has none.
        max_pixels: most that a result may have; None where there is no limit.

    """

    def __init__(
        self,
        pictures: Mapping[str, Sequence[Picture]],
        file_names: Mapping[str, Sequence[str]] | None = None,
        *,
        max_pixels: int | None = None,
    ) -> None:
        self._pictures = {role: tuple(several) for role, several in pictures.items()}
        self._file_names = dict(file_names or {})
        self.max_pixels = max_pixels

    def __getitem__(self, role: str) -> Picture:
        return self._pictures[role][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._pictures)

    def __len__(self) -> int:
        return len(self._pictures)

    def all(self, role: str) -> tuple[Picture, ...]:
        """Every picture given in this role, in the order given; none when there is none."""
        return self._pictures.get(role, ())

    @contextmanager
    def naming(self, role: str, number: int = 1) -> Iterator[None]:
        """Refusals from within name the file that they are about, where they name none yet.

        It is picture ``number`` of ``role``, counted from 1.
        """
        try:
            yield
        except UserInputError as error:
            names = self._file_names.get(role, ())
            if error.file_name is not None or number > len(names):
                raise
            raise error.naming(names[number - 1]) from error


class ToolRunner(Protocol):
    """A tool: pictures by role in, pictures out."""

    def __call__(
        self,
        inputs: ToolInputs,
        params: ToolParams,
        models: ModelCache,
        report: Report,
    ) -> list[ToolOutput]:
        """Run once. Deterministic: same inputs, params and weights, same pixels."""


@dataclass(frozen=True, slots=True)
class Reuse:
    """An output that a later run on the same picture can take as an input instead of making it.

    People may give one of their own, too; what is made from that is never taken over.

    Attributes:
        role: of the output, and of the input it becomes.
        free_params: the parameters that do not decide its pixels; all others must be the same.
        free_roles: the inputs that do not.

    """

    role: str
    free_params: tuple[str, ...]
    free_roles: tuple[str, ...] = ()


class Media(StrEnum):
    """What kind of file a role takes."""

    PICTURE = "picture"
    MASK = "mask"
    """A picture that says where: white is meant, black is not."""
    DRAWING = "drawing"
    """Painted strokes, as the JSON of ``studio.imaging.drawing``."""


@dataclass(frozen=True, slots=True)
class ToolRole:
    """A place for input files, by name.

    Attributes:
        name: in rows, REST fields and commands.
        title: for people.
        help: what such a file is for, one sentence for people.
        media: what kind of file it is.
        is_required: whether the tool cannot start without.
        max_files: how many files of it one run takes, in order.
        is_sized_as_main: whether it belongs to the main picture pixel by pixel.

    """

    name: str
    title: str
    _: KW_ONLY
    help: str
    media: Media = Media.PICTURE
    is_required: bool = False
    max_files: int = 1
    is_sized_as_main: bool = False

    @property
    def is_repeatable(self) -> bool:
        """Whether it takes several files."""
        return self.max_files > 1


PHOTOGRAPH = ToolRole(
    "image", N_("Picture"), help=N_("Pictures; each is a run of its own."), is_required=True
)
"""The main role of most tools."""


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A way to work that may be chosen in place of a model of the catalogue.

    Attributes:
        id: the value of the parameter that chooses it.
        title: for people.
        note: what it is like, in a sentence or two.
        task: what it does instead of models of this task.

    """

    id: str
    title: str
    note: str
    task: Task


@dataclass(frozen=True, slots=True)
class MaskOffer:
    """A mask that a tool makes of any picture, for tools that work under one.

    Attributes:
        role: of the output that is the mask.
        title: what it covers, as in "The subject".
        action: what the button says that has it made.
        params: those with which the tool makes no more than that.

    """

    role: str
    title: str
    action: str
    params: ToolParams


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person with an account confirms once, before their first run of a tool.

    Attributes:
        title: above it, as in "Before your first face swap".
        about: Markdown: what the tool does, and why it asks.
        statement: what they confirm, in their words; the audit log keeps it.

    """

    title: str
    about: str
    statement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """All that is known of a tool without running it; what depends on params is on these.

    Attributes:
        name: stable id, used in rows, commands and addresses.
        title: for people.
        summary: what it does, one sentence for people.
        action: what its button says, as in "Cut out".
        counted_action: the same with how many pictures it is done to, for one and for every
            other number: "Cut out a picture", "Cut out {n} pictures".
        verb: past participle that names result files, as in ``cat-cutout.png``.
        icon: name of a Material symbol.
        version: raised by a release in which the same inputs and params give other pixels.
        params: the parameter model.
        runner_path: ``module:function``, imported only where the tool runs.
        roles: what it reads, the main one first: a run is named after that file, and there is
            one run for each.
        built_in: what may be chosen in place of models of the catalogue.
        page: its Streamlit page, from the studio's root or absolute; the page that builds
            itself from these facts where it is empty.
        reuse: what an earlier run may have made already; None when nothing.
        mask: the mask that it makes for other tools; None when it makes none.
        is_auxiliary: whether it only prepares other tools' runs, so that lists leave it out.
        digital_source_type: IPTC NewsCode of what the tool does to a photograph.
        consent: what is confirmed before a first run; None when nothing.

    """

    name: str
    title: str
    summary: str
    action: str
    counted_action: tuple[str, str]
    verb: str
    icon: str
    version: int
    params: type[ToolParams]
    runner_path: str
    roles: tuple[ToolRole, ...] = (PHOTOGRAPH,)
    built_in: tuple[BuiltIn, ...] = ()
    page: str = ""
    reuse: Reuse | None = None
    mask: MaskOffer | None = None
    is_auxiliary: bool = False
    digital_source_type: str = "algorithmicallyEnhanced"
    consent: Consent | None = None

    @property
    def main_role(self) -> str:
        """The role of the picture that a run works on and is named after."""
        return self.roles[0].name

    @property
    def required_roles(self) -> tuple[str, ...]:
        """Roles without which the tool cannot start, the main one first."""
        return tuple(role.name for role in self.roles if role.is_required)

    @property
    def optional_roles(self) -> tuple[str, ...]:
        """Roles it can make use of."""
        return tuple(role.name for role in self.roles if not role.is_required)

    @property
    def repeatable_roles(self) -> tuple[str, ...]:
        """Roles that may be given several times."""
        return tuple(role.name for role in self.roles if role.is_repeatable)

    def role(self, name: str) -> ToolRole:
        """The role called ``name``; KeyError where there is none."""
        return {role.name: role for role in self.roles}[name]

    def role_title(self, name: str) -> Message:
        """What people call the files of an input or output role; ``name`` where none is said."""
        titles = {self.mask.role: self.mask.title} if self.mask else {}
        titles |= {role.name: role.title for role in self.roles}
        return Message(titles[name]) if name in titles else verbatim(name)

    def action_on(self, pictures: int) -> Message:
        """What the tool does to so many pictures, as in "Cut out 3 pictures"."""
        one, many = self.counted_action
        return Message(one, {"n": pictures}, many)

    def too_many_files(self, role: str, given: int, *, code: str) -> UserInputError | None:
        """Why one run cannot take so many files as ``role``; None when it can."""
        most = self.role(role).max_files
        if given <= most:
            return None
        return UserInputError(
            msgs(
                "{tool} takes {n} file as “{role}”, and {given} were given",
                "{tool} takes up to {n} files as “{role}”, and {given} were given",
                most,
                tool=Message(self.title),
                role=role,
                given=given,
            ),
            remedy=msg("Leave the others out, or give them to further runs."),
            code=code,
        )

    def built_in_for(self, task: Task | None) -> tuple[BuiltIn, ...]:
        """What may be chosen in place of a model for ``task``, or for any."""
        return tuple(one for one in self.built_in if task in (None, one.task))

    def load(self) -> ToolRunner:
        """Import the runner; this may import onnxruntime and cv2."""
        module, _, function = self.runner_path.partition(":")
        runner: ToolRunner = getattr(import_module(module), function)
        return runner

"""What a person may change on a run: its star, note and tags, whom it is shown to, the trash."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from db.actor import Actor
from db.repositories.keeping import KeepingRepository
from db.types import Visibility, Words
from studio.errors import UserInputError
from studio.text import line, paragraphs
from studio.words import msg, msgs
from tasks.authority import Needs, authorise
from tasks.services import Services

MAX_NOTE_CHARS = 2000
Change = Callable[[KeepingRepository, Actor], bool]


def change_run(services: Services, actor: Actor, change: Change) -> bool:
    """Make ``change`` on behalf of the person as the record knows them now.

    Returns what it returns: False when the run is gone or not theirs to change.

    Raises:
        NotAllowedError: the actor may not run, or not any more.

    """
    with services.database.write() as session:
        return change(KeepingRepository(session), authorise(session, actor, Needs.RUNNING))


def read_note(text: str) -> str:
    """What a person wrote on a run, as it is kept.

    Raises:
        UserInputError: ``text.invalid``.

    """
    return paragraphs(text, MAX_NOTE_CHARS, what=msg("The note"))


def retag(shown: Sequence[str], chosen: Sequence[str]) -> Callable[[Sequence[str]], Sequence[str]]:
    """A change that applies what the person added and removed, relative to the tags ``shown``.

    What somebody else added or took out meanwhile stays as they left it.
    """

    def change(there: Sequence[str]) -> Sequence[str]:
        kept = [tag for tag in there if tag in chosen or tag not in shown]
        return read_tags([*kept, *(tag for tag in chosen if tag not in {*shown, *kept})])

    return change


def read_tags(words: Sequence[str]) -> Sequence[str]:
    """The words that a person would find a run by, as they are kept.

    Raises:
        UserInputError: ``text.invalid``, or ``run.too_many_tags``.

    """
    if len(words) > Words.most:
        raise UserInputError(
            msgs("A run has {n} tag", "A run has at most {n} tags", Words.most),
            remedy=msg("Take some out first."),
            code="run.too_many_tags",
        )
    return [line(word, Words.most_chars, what=msg("A tag")) for word in words]


def show_to(services: Services, actor: Actor, job_id: UUID, visibility: Visibility) -> None:
    """Show a run to the team, or to its owner and admins alone.

    Raises:
        NotAllowedError: the actor may not run, or not any more.
        UserInputError: ``job.not_found``, also for one that is not theirs to change.

    """
    if not change_run(
        services, actor, lambda jobs, me: jobs.set_visibility(me, job_id, visibility)
    ):
        raise UserInputError(
            msg("There is no such run, or it is not yours to change"),
            remedy=msg("Look for it in the history."),
            code="job.not_found",
        )

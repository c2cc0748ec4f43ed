"""The tail of every tool page: who will see the run, how long it may take, and its button."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import streamlit as st

from app.formatting import estimate
from app.runs.estimates import describe, expect_runs
from app.runs.queueing import wait_of_next
from app.runs.reading import get_run, has_made, private_sources
from app.ui import memory, states
from app.ui.asked import asked
from app.ui.further_use import USE
from app.ui.guard import acting
from app.ui.layout import go_to
from app.ui.literal import literal_sentence
from app.ui.options import OptionForm
from app.ui.refused import Refused, leave_out
from app.ui.toolpage import ToolPage, query_id
from app.ui.trays import Tray
from app.ui.words import _, _n, said
from db.errors import RecordError
from db.models import Job
from db.types import Lane, Origin, Visibility
from studio.errors import StudioError, UserInputError
from studio.params import ToolParams
from tasks.files import StoredFile
from tasks.requests import ResultOf, RunItem, RunRequest, require_result_fits
from tasks.submit import submit

logger = logging.getLogger(__name__)

Files = Mapping[str, Sequence[StoredFile]]
"""Files that runs read beside their pictures, by role."""


def ask_run(
    page: ToolPage,
    form: OptionForm,
    held: Tray,
    make_item: Callable[[StoredFile], RunItem],
    *,
    beside: Callable[[StoredFile], Files] | None = None,
    is_ready: bool = True,
    note: str = "",
) -> None:
    """Draw what ends the options, and submit a run of each held picture when asked to.

    Args:
        make_item: from a held picture to its run; called only when the button was pressed.
        beside: from a held picture to what its run reads besides, as far as that is there already.
        is_ready: False while the button must wait, for reasons that the page shows already.
        note: what to know about who sees the run.

    """
    from_id = query_id("from")
    items = [page.item(file, beside(file) if beside else None) for file in held.files]
    used_id = _find_used(page, held.files)
    sources = _find_private_sources(page, [one for one in (from_id, used_id) if one], items)
    visibility = _ask_visibility(page, sources)
    if note:
        st.caption(note)
    params = form.parse_or_say()
    if params:
        _keep(page, params, visibility, sources, from_id=from_id)
        _offer_defaults(page, params)
    refused = _find_unfit(page, params, held.files) if params else []
    if params:
        show_expectation(page, params, items)
    states.refusals(
        refused,
        _n("This file is not run like this", "{n} files are not run like this", len(refused)),
    )
    asked(
        _action(page, len(held.chosen)),
        lambda: _send(
            page,
            form,
            [_made_from(page, make_item(file)) for file in held.files],
            visibility=visibility,
            parent_id=from_id,
            refused=held.refused,
        ),
        key=_run_key(page),
        is_enabled=bool(held.chosen) and is_ready and params is not None and not refused,
        type="primary",
        width="stretch",
    )


def ask_run_on(
    page: ToolPage,
    form: OptionForm,
    result: ResultOf,
    files: Files,
    *,
    is_ready: bool,
) -> None:
    """As ``ask_run``, for the one picture that another run has yet to make.

    ``files`` are those of further roles.
    """
    item = RunItem({page.spec.main_role: [result], **files})
    sources = _find_private_sources(page, [result.job_id], [item])
    visibility = _ask_visibility(page, sources)
    params = form.parse_or_say()
    if params:
        _keep(page, params, visibility, sources, from_id=None)
        _offer_defaults(page, params)
    lack = params.lacks(item.files) if params else None
    if lack:
        st.caption(said(lack.message))
    asked(
        _action(page, 1),
        lambda: _send(page, form, [item], visibility=visibility),
        key=_run_key(page),
        is_enabled=is_ready and params is not None and lack is None,
        type="primary",
        width="stretch",
    )


def _made_from(page: ToolPage, item: RunItem) -> RunItem:
    """``item``, as one of a run's result where the address names that run and it is still held."""
    role = page.spec.main_role
    given = item.files[role][0]
    job_id = _find_used(page, [given]) if isinstance(given, StoredFile) else None
    return replace(item, files={**item.files, role: [ResultOf(job_id)]}) if job_id else item


def _find_used(page: ToolPage, pictures: Collection[StoredFile]) -> UUID | None:
    """The run that the address names for its result to be used, if one of ``pictures`` is that."""
    job_id = query_id(USE)
    is_used = job_id and pictures and has_made(page.services, page.actor, job_id, pictures)
    return job_id if is_used else None


def show_expectation(page: ToolPage, params: ToolParams, items: Sequence[RunItem]) -> None:
    """How long all of ``items`` may take together, what that rests on, and what is re-used."""
    if not items:
        return
    expected = expect_runs(page.services, page.actor, params, items)
    spared = sum(one.is_spared for one in expected)
    if spared:
        if len(items) == 1:
            re_used = _("Uses what is made already: a moment only.")
        else:
            re_used = _n(
                "Uses what is made already for {known} of {n} picture: a moment only.",
                "Uses what is made already for {known} of {n} pictures: a moment only.",
                len(items),
                known=spared,
            )
        st.caption(f":material/bolt: {re_used}")
    each = [one.estimate for one in expected if one.estimate]
    total = replace(each[0], seconds=sum(one.seconds for one in each)) if each else None
    if total or not spared:
        words = _("Time: {estimate}", estimate=describe(total))
        st.caption(f":material/schedule: {words}")
    wait_s = _find_wait_s(page, {one.lane for one in expected})
    if wait_s is not None and wait_s >= 1:
        wait = _("Starts in {time}: other runs are before it.", time=estimate(wait_s))
        st.caption(f":material/hourglass_empty: {wait}")


def _find_wait_s(page: ToolPage, lanes: Collection[Lane]) -> float | None:
    """Seconds until the first of runs in these lanes starts; None when nobody can say."""
    known = [wait_of_next(page.services, page.actor, lane) for lane in lanes]
    waits = [wait_s for wait_s in known if wait_s is not None]
    return min(waits) if len(waits) == len(lanes) else None


def _find_unfit(
    page: ToolPage, params: ToolParams, files: Sequence[StoredFile]
) -> list[UserInputError]:
    """Pictures whose result would break a limit, or that no such result can be made of."""
    refusals = []
    for file in files:
        try:
            require_result_fits(params, file, max_pixels=page.services.settings.max_pixels)
        except UserInputError as error:
            refusals.append(error)
    return refusals


def _action(page: ToolPage, pictures: int) -> str:
    """What the one primary button of the page says."""
    return said(page.spec.action_on(pictures) if pictures > 1 else page.spec.action)


def _run_key(page: ToolPage) -> str:
    return f"{page.tool}.run"


def _offer_defaults(page: ToolPage, params: ToolParams) -> None:
    """A way back from what was set, today or the last time."""
    model = page.spec.params
    if params != model.model_validate({}):
        st.button(
            _("Reset to defaults"),
            icon=":material/restart_alt:",
            type="tertiary",
            key=f"{page.tool}.reset",
            on_click=acting(memory.reset),
            args=(model,),
        )


def _keep(
    page: ToolPage,
    params: ToolParams,
    visibility: Visibility,
    sources: Sequence[str],
    *,
    from_id: UUID | None,
) -> None:
    """Remember what is set now; who sees it only where no private source decided that."""
    is_private = visibility is Visibility.PRIVATE
    if sources:
        is_private = memory.recall(page.spec.params).is_private
    memory.keep(params, from_id=from_id, is_private=is_private)


def _ask_visibility(page: ToolPage, sources: Sequence[str]) -> Visibility:
    """Who will see the run: as the person last chose, or nobody else where ``sources`` are private.

    Other sources have another box, so that to show the one to the team shows no other.
    """
    if sources:
        begins_private = True
        why = _(
            "This begins ticked because a run that it is made from is private. Only you and the "
            "admins see a private run; others are seen by the whole team."
        )
    else:
        begins_private = memory.recall(page.spec.params).is_private
        why = _("Only you and the admins see a private run; others are seen by the whole team.")
    key = ".".join([page.tool, "private", *sources])
    is_private = st.checkbox(_("Private"), value=begins_private, key=key, help=why)
    return Visibility.PRIVATE if is_private else Visibility.TEAM


def _find_private_sources(
    page: ToolPage, job_ids: Collection[UUID], items: Sequence[RunItem]
) -> list[str]:
    """What makes a run private, unless somebody says otherwise: each by an id.

    These are private runs among ``job_ids``, those that it is made from; and results of private
    runs among all that ``items`` read.
    """
    files = [file for item in items for file in _stored_in(item.files.values())]
    return private_sources(page.services, page.actor, job_ids, files)


def _stored_in(groups: Iterable[Sequence[StoredFile | ResultOf]]) -> Iterator[StoredFile]:
    return (file for group in groups for file in group if isinstance(file, StoredFile))


def offer_again(
    page: ToolPage, form: OptionForm, job: Job, make_item: Callable[[], RunItem], *, key: str
) -> None:
    """A button that runs once more what ``job`` ran, as ``form`` has it now.

    It is seen as ``job`` is, but by nobody else where a private run made what is read beside the
    picture. ``key`` tells it from others beside the same run.
    """
    visibility, main_role = job.visibility, page.spec.main_role
    files = make_item().files
    beside = RunItem({role: group for role, group in files.items() if role != main_role})
    if visibility is Visibility.TEAM and _find_private_sources(page, [], [beside]):
        visibility = Visibility.PRIVATE
        words = _("This makes a private run, because a run that it is made from is private.")
        st.caption(f":material/lock: {words}")
    asked(
        _("Apply"),
        lambda: _send(page, form, [make_item()], visibility=visibility, parent_id=job.id),
        key=f"{key}.apply",
        type="primary",
        width="stretch",
    )


def _send(
    page: ToolPage,
    form: OptionForm,
    items: Sequence[RunItem],
    *,
    visibility: Visibility,
    parent_id: UUID | None = None,
    refused: Refused | None = None,
) -> bool:
    """Submit, and have the page show what was submitted next; a refusal is said in place.

    The files that were ``refused`` before are named beside the runs as well.

    Returns whether it was submitted, as ``asked`` wants to know.
    """
    try:
        request = RunRequest(
            form.parse(),
            items,
            visibility=visibility,
            parent_id=parent_id,
            origin=Origin.EDIT if parent_id else None,
        )
        job_ids = submit(page.services, page.actor, request)
    except (StudioError, RecordError) as error:
        st.error(literal_sentence(error), icon=":material/error:")
        return False
    go_to(page.tool, job=str(job_ids[0]))
    try:
        shown_id = _open_batch(page, job_ids)
        if refused:
            leave_out(page.tool, shown_id, refused)
        memory.finish(page.spec.params)
    except Exception:  # they are queued: whatever fails now, they must not be offered once more
        logger.exception("after %s was queued its page was not put in order", job_ids)
    return True


def _open_batch(page: ToolPage, job_ids: Sequence[UUID]) -> UUID:
    """Go to all of the runs where they are several, and not to the first alone.

    Returns the id of what is gone to.
    """
    first = get_run(page.services, page.actor, job_ids[0]) if len(job_ids) > 1 else None
    if not (first and first.batch_id):
        return job_ids[0]
    go_to(page.tool, batch=str(first.batch_id))
    return first.batch_id

"""Runs on record as lines on a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime

from app.commands.layout import columns
from app.formatting import dimensions, file_size
from app.language import _, said
from app.runs.views import FileView, JobList, JobSummary, JobView


def listing(found: JobList) -> str:
    """A line for each run, and how to see the ones after them."""
    if not found.jobs:
        return _("There are no such runs.")
    heads = (_("RUN"), _("STATE"), _("TOOL"), _("OWNER"), _("QUEUED"), _("NAME"))
    rows = [
        (str(job.id), _standing(job), job.tool, job.owner, _moment(job.queued_at), job.title)
        for job in found.jobs
    ]
    lines = columns([heads, *rows])
    if found.next is None:
        return lines
    older = _("Older ones: --cursor {cursor}", cursor=found.next)
    return f"{lines}\n{older}"


def description(job: JobView) -> str:
    """All that is known of a run but its record, which the JSON has."""
    parts = [columns(list(_facts(job)))]
    if job.params:
        parts.append(_section(_("Parameters"), list(_params(job))))
    if job.inputs:
        parts.append(_section(_("Inputs"), _files(job.inputs)))
    if job.outputs:
        parts.append(_section(_("Outputs"), _files(job.outputs)))
    return "\n\n".join(parts)


def _facts(job: JobView) -> Iterator[tuple[str, str]]:
    yield _("Run"), str(job.id)
    yield _("Name"), job.title
    yield _("Tool"), job.tool
    yield _("State"), _standing(job)
    if job.place is not None:
        yield _("Place in the queue"), str(job.place)
    if job.steps is not None:
        done = _("{done} of {all} done", done=job.steps.done, all=job.steps.total)
        yield _("Steps"), done
    for needed in job.waits_for:
        yield _("Needs"), str(needed)
    if job.error is not None:
        yield _("Reason"), job.error.message
        yield _("Code"), job.error.code
    yield _("Owner"), job.owner
    yield _("Seen by"), job.visibility
    yield _("Queued"), _moment(job.queued_at)
    if job.started_at is not None:
        yield _("Started"), _moment(job.started_at)
    if job.finished_at is not None:
        yield _("Finished"), _moment(job.finished_at)
    if job.parent_id is not None:
        yield _("Made from"), str(job.parent_id)
    if job.batch_id is not None:
        yield _("Batch"), str(job.batch_id)
    if job.params_error is not None:
        yield _("Parameters"), job.params_error.message


def _standing(job: JobSummary) -> str:
    """The state, and how far the run is while it goes on."""
    if job.state.is_terminal or not job.progress:
        return job.state
    return _("{state}, {share:.0%} done", state=job.state, share=job.progress)


def _moment(moment: datetime) -> str:
    return moment.astimezone().isoformat(sep=" ", timespec="seconds")


def _params(job: JobView) -> Iterator[tuple[str, str]]:
    """By the names that ``studio run`` takes, without the tool's own."""
    for name, value in job.params.items():
        if name != "tool":
            yield name, value if isinstance(value, str) else json.dumps(value)


def _files(files: Sequence[FileView]) -> list[tuple[str, ...]]:
    return [
        (
            file.role,
            file.file_name,
            said(dimensions(file.width_px, file.height_px)),
            said(file_size(file.size_bytes)),
            file.sha256,
        )
        for file in files
    ]


def _section(title: str, rows: Sequence[Sequence[str]]) -> str:
    return f"{title}\n{columns([('', *row) for row in rows])}"

"""The record of a run: enough to say later why a re-run differs."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from app.formatting import duration, file_size
from app.ui.moments import exactly
from app.ui.words import _, said
from db.models import Job
from studio.record import RunRecord, WeightUse
from studio.words import N_, Message, msg

_STAGES = {
    "decode": N_("Reading"),
    "load": N_("Loading the model"),
    "run": N_("Working"),
    "encode": N_("Saving"),
}


def fact(label: str, text: str, *, is_changed: bool = False, code: bool = False) -> str:
    """A row of a list of facts; ``is_changed`` says that it is not what it usually is."""
    shown = f"<code>{escape(text)}</code>" if code else escape(text)
    if is_changed:
        mark = escape(_("changed"))
        shown = f"<b>{shown}</b> <small>{mark}</small>"
    return f"<dt>{escape(label)}</dt><dd>{shown}</dd>"


def show_record(job: Job) -> None:
    """The run record: enough to say later why a re-run differs."""
    st.subheader(_("Record"), anchor=False)
    rows = [
        fact(_("Run"), str(job.id), code=True),
        fact(_("Queued"), exactly(job.queued_at)),
    ]
    if job.started_at:
        waited_s = (job.started_at - job.queued_at).total_seconds()
        rows.append(fact(_("Waited"), said(duration(waited_s))))
    if job.started_at and job.finished_at:
        rows.append(
            fact(_("Ran"), said(duration((job.finished_at - job.started_at).total_seconds())))
        )
    if job.attempt > 1:
        rows.append(fact(_("Attempts"), str(job.attempt)))
    if job.record:
        rows += _record_facts(RunRecord.model_validate(job.record))
    st.html(f'<dl class="dr-facts">{"".join(rows)}</dl>')


def _version_words(record: RunRecord) -> str:
    """Of the studio and of the tool that ran."""
    return _(
        "{studio}, tool version {tool}", studio=record.studio_version, tool=record.tool_version
    )


def _use_words(use: WeightUse) -> Message:
    """Which model ran where, and whether it was there already."""
    values = {
        "model": use.id,
        "runtime": use.runtime,
        "device": use.device,
        "precision": use.precision,
    }
    if use.was_warm:
        return msg("{model} on {runtime}, {device}, {precision}, already loaded", **values)
    return msg("{model} on {runtime}, {device}, {precision}, loaded for this run", **values)


def _record_facts(record: RunRecord) -> Sequence[str]:
    stages = (
        _("{stage} {seconds:.2f} s", stage=Message(_STAGES.get(name, name)), seconds=seconds)
        for name, seconds in record.seconds.items()
    )
    processor = [
        picked if library == "name" else f"{library} {picked}"
        for library, picked in record.processor.items()
    ]
    versions = (f"{name} {version}" for name, version in record.libraries.items())
    weights = [
        fact(
            _("Weights"),
            said(_use_words(use)),
        )
        + "".join(
            fact("", sha256, code=True) for sha256 in (use.sha256, use.graph_sha256) if sha256
        )
        for use in record.weights
    ]
    return [
        fact(_("Time by stage"), " · ".join(stages)),
        *(weights or [fact(_("Weights"), _("none: no network ran"))]),
        fact(_("Device"), record.device),
        *([fact(_("Processor"), " · ".join(processor))] if processor else []),
        fact(_("Peak memory"), said(file_size(record.peak_memory_bytes))),
        fact(_("Studio"), _version_words(record)),
        fact(_("Libraries"), " · ".join(versions)),
        *(fact(_("Note"), said(note)) for note in record.notes),
    ]

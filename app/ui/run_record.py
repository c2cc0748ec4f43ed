"""The record of a run: enough to say later why a re-run differs."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from app.ui.format import duration, file_size
from db.models import Job
from studio.record import RunRecord

_STAGES = {"decode": "Reading", "load": "Loading the model", "run": "Working", "encode": "Saving"}


def fact(label: str, text: str, *, changed: bool = False, code: bool = False) -> str:
    """A row of a list of facts."""
    shown = f"<code>{escape(text)}</code>" if code else escape(text)
    return f'<dt>{escape(label)}</dt><dd class="{"dr-changed" if changed else ""}">{shown}</dd>'


def show_record(job: Job) -> None:
    """The run record: enough to say later why a re-run differs."""
    st.subheader("Record", anchor=False)
    rows = [
        fact("Run", str(job.id), code=True),
        fact("Queued", f"{job.queued_at:%Y-%m-%d %H:%M:%S} UTC"),
    ]
    if job.started_at:
        waited_s = (job.started_at - job.queued_at).total_seconds()
        rows.append(fact("Waited", duration(waited_s)))
    if job.started_at and job.finished_at:
        rows.append(fact("Ran", duration((job.finished_at - job.started_at).total_seconds())))
    if job.attempt > 1:
        rows.append(fact("Attempts", str(job.attempt)))
    if job.record:
        rows += _record_facts(RunRecord.model_validate(job.record))
    st.html(f'<dl class="dr-facts">{"".join(rows)}</dl>')


def _record_facts(record: RunRecord) -> Sequence[str]:
    stages = (f"{_STAGES.get(name, name)} {s:.2f} s" for name, s in record.seconds.items())
    versions = (f"{name} {version}" for name, version in record.libraries.items())
    weights = [
        fact(
            "Weights",
            f"{use.id} on {use.runtime}, {use.device}, {use.precision}, "
            f"{'already loaded' if use.was_warm else 'loaded for this run'}",
        )
        + "".join(
            fact("", sha256, code=True) for sha256 in (use.sha256, use.graph_sha256) if sha256
        )
        for use in record.weights
    ]
    return [
        fact("Time by stage", " · ".join(stages)),
        *(weights or [fact("Weights", "none: no network ran")]),
        fact("Device", record.device),
        fact("Peak memory", file_size(record.peak_memory_bytes)),
        fact("Studio", f"{record.studio_version}, tool version {record.tool_version}"),
        fact("Libraries", " · ".join(versions)),
        *(fact("Note", note) for note in record.notes),
    ]

"""The files of a run as small pictures that download them."""

from __future__ import annotations

from html import escape

import streamlit as st

from app.formatting import dimensions, file_size
from app.runs.addresses import download_url, saved_name, thumbnail_url
from app.runs.reading import main_input, painted_input
from app.ui.mask_figure import drawing_of_run
from app.ui.result import role_label
from app.ui.words import _, said
from db.models import Job, JobInput, JobOutput
from studio.errors import RetriableError
from tasks.services import Services


def show_files(services: Services, job: Job) -> None:
    """Every file that went in and came out, with what it looks like."""
    st.subheader(_("Files"), anchor=False)
    main_first = sorted(job.inputs, key=lambda file: file is not main_input(job))
    inputs = "".join(
        _figure(
            file, _("In: {role}", role=role_label(file, job)), _small_picture(services, job, file)
        )
        for file in main_first
    )
    outputs = "".join(
        _figure(
            file, _("Out: {role}", role=role_label(file, job)), _small_picture(services, job, file)
        )
        for file in job.outputs
    )
    st.html(f'<div class="dr-files">{inputs}{outputs}</div>')


def _small_picture(services: Services, job: Job, file: JobInput | JobOutput) -> str:
    """Address of what ``file`` looks like; empty for what cannot be shown."""
    if file is painted_input(job):
        try:
            painted = drawing_of_run(services, job)
        except RetriableError:
            return ""  # the file can be fetched all the same
        return painted.address if painted else ""
    is_picture = file.blob.media_type.startswith("image/")
    return thumbnail_url(file.blob_sha256) if is_picture else ""


def _figure(file: JobInput | JobOutput, label: str, picture: str) -> str:
    blob, name = file.blob, escape(file.file_name)
    download = escape(_("Download {file}", file=saved_name(file)))
    facts = map(said, (dimensions(blob.width_px, blob.height_px), file_size(blob.size_bytes)))
    if picture:
        shown = f'<img src="{picture}" alt="{name}" loading="lazy">'
    else:
        shown = '<span class="dr-blank"><span class="dr-icon">draw</span></span>'
    return (
        f'<figure><a href="{download_url(file)}" download title="{download}">{shown}</a>'
        f"<figcaption><b>{escape(label)}</b><span>{name}</span>"
        f'<span class="dr-muted">{" · ".join(filter(None, facts))}</span></figcaption></figure>'
    )

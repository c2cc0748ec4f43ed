"""Numbered boxes over a picture: what was found, changed, or in the way of a run."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from app.runs.addresses import picture_url
from app.runs.reading import find_output, is_same_view, main_input
from app.ui.words import _, said
from db.models import Job, JobInput, JobOutput
from db.states import JobState
from studio.errors import Region
from studio.record import RunRecord

_CROP_MARGIN = 1.25
"""Side of a cropped face over the longer side of its region."""


def regions_of(job: Job) -> Sequence[Region]:
    """What the run marked on its main picture: in its record, or in its refusal."""
    if job.record:
        return RunRecord.model_validate(job.record).regions
    return [Region.from_json(region) for region in job.error_regions]


def picture_of(job: Job) -> JobInput | JobOutput | None:
    """The picture to mark: the result where it shows the same view, else the main input."""
    source, result = main_input(job), find_output(job)
    if source and result and job.state is JobState.SUCCEEDED and is_same_view(source, result):
        return result
    return source


def show_regions(job: Job, *, caption: str = "") -> None:
    """The picture with a numbered box around each region, and what there is to say of each."""
    regions, file = regions_of(job), picture_of(job)
    if file is None:
        return
    width, height = file.blob.width_px or 1, file.blob.height_px or 1
    boxes = "".join(_box(region) for region in regions)
    words = "".join(_item(region) for region in regions)
    st.html(
        f'<figure class="dr-regions"><div class="dr-regions-stage" '
        f'style="--ratio: {width / height:.5f}; aspect-ratio: {width} / {height}">'
        f'<img src="{picture_url(file)}" alt="{escape(file.file_name)}">'
        f"{boxes}</div>"
        f"<figcaption>{escape(caption)}<ul>{words}</ul></figcaption></figure>"
    )


def crop(file: JobInput | JobOutput, region: Region, alt: str) -> str:
    """Markup of a square part of ``file`` with ``region`` in its middle."""
    width, height = file.blob.width_px or 1, file.blob.height_px or 1
    side = max(region.width * width, region.height * height) * _CROP_MARGIN or 1
    left = (region.left + region.width / 2) * width - side / 2
    top = (region.top + region.height / 2) * height - side / 2
    return (
        f'<div class="dr-crop"><img src="{picture_url(file)}" alt="{escape(alt)}" '
        f'style="width: {width / side:.3%}; left: {-left / side:.3%}; top: {-top / side:.3%}">'
        "</div>"
    )


def _box(region: Region) -> str:
    """A frame with a badge at its corner; the list below says the same to those who cannot see."""
    kind = "dr-fault" if region.is_fault else "dr-found"
    left, top = min(max(region.left, 0), 1), min(max(region.top, 0), 1)
    width = max(min(region.left + region.width, 1) - left, 0)
    height = max(min(region.top + region.height, 1) - top, 0)
    badge = f"<b>{escape(region.label)}</b>" if region.label else ""
    return (
        f'<span class="dr-box {kind}" aria-hidden="true" style="left: {left:.3%}; '
        f'top: {top:.3%}; width: {width:.3%}; height: {height:.3%}">{badge}</span>'
    )


def _item(region: Region) -> str:
    kind = "dr-fault" if region.is_fault else "dr-found"
    label = f'<b class="{kind}">{escape(region.label)}</b>' if region.label else ""
    words = said(region.text) if region.text else _("found")
    return f"<li>{label}<span>{escape(words)}</span></li>"

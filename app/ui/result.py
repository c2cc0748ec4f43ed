"""A finished run: the comparison, the exact size of the file, the download."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from app.exports import can_export, export
from app.runs import find_output, is_same_view, main_input
from app.ui import states
from app.ui.compare import Comparison, compare
from app.ui.format import dimensions, duration, exact_size, file_size
from app.ui.links import download_url, picture_url
from app.ui.options import OptionForm
from app.ui.regions import regions_of, show_regions
from db.models import Job, JobInput, JobOutput
from db.states import JobState
from studio.params import ImageFormat
from studio.record import RunRecord
from studio.tools.spec import TOOLS
from tasks.services import Services


def show_result(job: Job) -> None:
    """What came out of ``job``, or why nothing did."""
    output = find_output(job)
    if job.state is JobState.FAILED:
        states.failure(job.error_code, job.error_message)
        show_refused(job)
    elif job.state is JobState.CANCELLED:
        states.empty("Cancelled", "This run was stopped before it had a result.", icon="cancel")
    elif output is None:
        states.empty(
            "The files of this run are gone",
            "Its record remains. Run it again to get the same result.",
            icon="hide_image",
        )
    elif not _asks_for_regions(job):
        show_pictures(main_input(job), output, key=f"compare-{job.id.hex}")
    else:
        show_regions(job)


def show_refused(job: Job) -> None:
    """What a refusal speaks of: the parts it marked, or else the pictures it was given."""
    if regions_of(job):
        show_regions(job)
        return
    pictures = [file for file in job.inputs if file.blob.media_type.startswith("image/")]
    main_first = sorted(pictures, key=lambda file: file is not main_input(job))
    figures = "".join(_figure(file, role_label(file, job).capitalize()) for file in main_first)
    st.html(f'<div class="dr-pair">{figures}</div>')


def role_label(file: JobInput, job: Job) -> str:
    """The role, numbered where the run reads several files in it."""
    is_one = sum(other.role == file.role for other in job.inputs) == 1
    return file.role if is_one else f"{file.role} {file.position + 1}"


def _asks_for_regions(job: Job) -> bool:
    """Whether the person wants to see what the run marked, when it marked anything."""
    regions = regions_of(job)
    label = f"Show what was found ({len(regions)})"
    return bool(regions) and st.toggle(label, key=f"regions-{job.id.hex}")


def notes_of(job: Job) -> Sequence[str]:
    """What the run noted for the person; none before it has finished."""
    return RunRecord.model_validate(job.record).notes if job.record else ()


def show_notes(job: Job) -> None:
    """What the person should know of how the result was made."""
    notes = notes_of(job)
    if notes:
        items = "".join(f"<li>{states.sentence(note)}</li>" for note in notes)
        st.html(f'<ul class="dr-notes">{items}</ul>')


def show_source(job: Job) -> None:
    """The picture that is being worked on."""
    source = main_input(job)
    name = escape(source.file_name)
    st.html(f'<img class="dr-plain dr-dim" src="{picture_url(source)}" alt="{name}">')


def show_pictures(before: JobInput, after: JobOutput, *, key: str) -> None:
    """A slider when both show the same view, else the result large above what it was made from."""
    if not is_same_view(before, after):
        figures = _figure(after, "After") + _figure(before, "Before")
        st.html(f'<div class="dr-pair dr-unlike">{figures}</div>')
        return
    compare(
        Comparison(
            title=after.file_name,
            before=picture_url(before),
            after=picture_url(after),
            width_px=after.blob.width_px or 1,
            height_px=after.blob.height_px or 1,
        ),
        key=key,
    )


def show_downloads(job: Job) -> None:
    """Links to every file a person may want, with exact sizes."""
    output = find_output(job)
    if output is None:
        return
    facts = [
        dimensions(output.blob.width_px, output.blob.height_px),
        exact_size(output.blob.size_bytes),
    ]
    if job.started_at and job.finished_at:
        facts.append(f"made in {duration((job.finished_at - job.started_at).total_seconds())}")
    st.html(
        f'<p class="dr-filename">{escape(output.file_name)}</p>'
        f'<p class="dr-muted dr-small">{escape(" · ".join(facts))}</p>'
    )
    links = [_download(output, f"Download {_kind(output)}", "dr-primary")]
    alpha = find_output(job, "alpha")
    if alpha:
        links.append(_download(alpha, "Alpha mask"))
    st.html(f'<div class="dr-buttons">{"".join(links)}</div>')


def offer_formats(services: Services, job: Job) -> None:
    """Another format or quality, with its exact size before it is saved."""
    output = find_output(job)
    if output is None or not can_export(output):
        return
    with st.popover("Save in another format", icon=":material/save_as:"):
        form = OptionForm(TOOLS[job.tool].params, job.params, key=f"export.{job.id.hex}")
        form.ask_format()
        if form.values["format"] is ImageFormat.JPEG:
            st.caption("JPEG has no transparency: what is transparent becomes white.")
        if st.button("Convert", key=f"export.{job.id.hex}.go", width="stretch"):
            made = export(services, output, form.values["format"], form.values["quality"])
            st.download_button(
                f"Download · {file_size(len(made.data))}",
                made.data,
                made.file_name,
                made.media_type,
                type="primary",
                width="stretch",
                on_click="ignore",
                key=f"export.{job.id.hex}.save",
            )
            st.caption(f"{made.file_name}, exactly {len(made.data):,} bytes.")


def _download(file: JobOutput, label: str, style: str = "") -> str:
    return (
        f'<a class="{style}" href="{download_url(file)}" download="{escape(file.file_name)}">'
        f"{escape(label)} · {file_size(file.blob.size_bytes)}</a>"
    )


def _figure(file: JobInput | JobOutput, label: str) -> str:
    return (
        f'<figure><img class="dr-plain" src="{picture_url(file)}" alt="{escape(file.file_name)}">'
        f"<figcaption>{label} · {dimensions(file.blob.width_px, file.blob.height_px)}</figcaption>"
        "</figure>"
    )


def _kind(file: JobOutput) -> str:
    kind = file.blob.media_type.removeprefix("image/")
    return "WebP" if kind == "webp" else kind.upper()

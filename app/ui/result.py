"""A finished run: the comparison, the exact size of the file, the download."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from app.formatting import dimensions, duration, exact_size, file_size
from app.runs.addresses import download_url, export_url, exported_name, picture_url, saved_name
from app.runs.exports import can_export, exported_file
from app.runs.parameters import initial_values
from app.runs.reading import find_output, is_same_view, main_input
from app.ui import states
from app.ui.asked import asked
from app.ui.compare import Comparison, compare
from app.ui.literal import literal
from app.ui.options import OptionForm
from app.ui.regions import regions_of, show_regions
from app.ui.words import _, _n, said
from db.models import Job, JobInput, JobOutput
from db.states import JobState
from studio.params import ImageFormat
from studio.record import RunRecord
from studio.tools.registry import TOOLS
from studio.tools.spec import RESULT_ROLE
from studio.words import Message, msg, verbatim
from tasks.services import Services


def show_result(job: Job) -> None:
    """What came out of ``job``, or why nothing did."""
    source, output = main_input(job), find_output(job)
    if job.state is JobState.FAILED:
        states.failure(job.id, job.error_code, job.error_message)
        show_refused(job)
    elif job.state is JobState.CANCELLED:
        why = job.error_message or msg("This run was stopped before it had a result.")
        states.empty(_("Cancelled"), said(why), icon="cancel")
    elif output is None or source is None:
        states.empty(
            _("The files of this run are gone"),
            _("Its record remains. Run it again to get the same result."),
            icon="hide_image",
        )
    elif not _asks_for_regions(job):
        show_pictures(source, output, key=f"compare-{job.id.hex}")
    else:
        show_regions(job)


def show_refused(job: Job) -> None:
    """What a refusal speaks of: the parts it marked, or else the pictures it was given."""
    if regions_of(job):
        show_regions(job)
        return
    pictures = [file for file in job.inputs if file.blob.media_type.startswith("image/")]
    main_first = sorted(pictures, key=lambda file: file is not main_input(job))
    figures = "".join(_figure(file, said(role_label(file, job))) for file in main_first)
    st.html(f'<div class="dr-pair">{figures}</div>')


def role_label(file: JobInput | JobOutput, job: Job) -> Message:
    """What the file is to the run, numbered where it reads several in the role."""
    spec = TOOLS.get(job.tool)
    role = spec.role_title(file.role) if spec else verbatim(file.role)
    if isinstance(file, JobOutput) or sum(other.role == file.role for other in job.inputs) == 1:
        return role
    return msg("{role} {number}", role=role, number=file.position + 1)


def _asks_for_regions(job: Job) -> bool:
    """Whether the person wants to see what the run marked, when it marked anything."""
    regions = regions_of(job)
    label = _("Show what was found ({n})", n=len(regions))
    return bool(regions) and st.toggle(label, key=f"regions-{job.id.hex}")


def notes_of(job: Job) -> Sequence[Message]:
    """What the run noted for the person; none before it has finished."""
    return RunRecord.model_validate(job.record).notes if job.record else ()


def show_notes(job: Job) -> None:
    """What the person should know of how the result was made."""
    notes = notes_of(job)
    if notes:
        items = "".join(f"<li>{states.sentence(note)}</li>" for note in notes)
        st.html(f'<ul class="dr-notes">{items}</ul>')


def show_source(job: Job) -> None:
    """The picture that is being worked on, once it is there."""
    source = main_input(job)
    if source is None:
        return
    name = escape(source.file_name)
    st.html(f'<img class="dr-plain dr-dim" src="{picture_url(source)}" alt="{name}">')


def show_pictures(before: JobInput, after: JobOutput, *, key: str) -> None:
    """A slider when both show the same view, else the result large above what it was made from."""
    if not is_same_view(before, after):
        figures = _figure(after, _("After")) + _figure(before, _("Before"))
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
        said(dimensions(output.blob.width_px, output.blob.height_px)),
        said(exact_size(output.blob.size_bytes)),
    ]
    if job.started_at and job.finished_at:
        took = duration((job.finished_at - job.started_at).total_seconds())
        facts.append(_("made in {time}", time=took))
    st.html(
        f'<p class="dr-filename">{escape(output.file_name)}</p>'
        f'<p class="dr-muted dr-small">{escape(" · ".join(facts))}</p>'
    )
    links = [_download(output, _("Download {kind}", kind=_kind(output)), "dr-primary")]
    others = [file for file in job.outputs if file.role != RESULT_ROLE]
    links += [_download(file, said(role_label(file, job))) for file in others]
    st.html(f'<div class="dr-buttons">{"".join(links)}</div>')


def offer_formats(services: Services, job: Job) -> None:
    """Another format or quality, with its exact size before it is saved."""
    output = find_output(job)
    if output is None or not can_export(output) or job.tool not in TOOLS:
        return
    with st.popover(_("Save in another format"), icon=":material/save_as:"):
        form = OptionForm(TOOLS[job.tool].params, initial_values(job), key=f"export.{job.id.hex}")
        form.ask_format()
        if form.values["format"] is ImageFormat.JPEG:
            st.caption(_("JPEG has no transparency: what is transparent becomes white."))
        wanted = form.values["format"], form.values["quality"]
        asked(
            _("Convert"),
            lambda: _show_export(services, output, *wanted),
            key=f"export.{job.id.hex}.go",
            width="stretch",
        )


def _show_export(services: Services, output: JobOutput, format: ImageFormat, quality: int) -> bool:
    """The link to what was made, and its exact size; the browser fetches it from there.

    It stands on this drawing of the page, so False: none comes after it.
    """
    made = exported_file(services, output, format, quality, owner=output.job_id)
    size_bytes, name = made.stat().st_size, exported_name(output, format)
    link = _link(export_url(output, format, quality), name, _("Download"), size_bytes, "dr-primary")
    st.html(f'<div class="dr-buttons">{link}</div>')
    st.caption(
        _n(
            "{file}, exactly {n} byte.",
            "{file}, exactly {n} bytes.",
            size_bytes,
            file=literal(name),
        )
    )
    return False


def _download(file: JobOutput, label: str, style: str = "") -> str:
    return _link(download_url(file), saved_name(file), label, file.blob.size_bytes, style)


def _link(address: str, file_name: str, label: str, size_bytes: int, style: str) -> str:
    return (
        f'<a class="{style}" href="{address}" download="{escape(file_name)}">'
        f"{escape(label)} · {escape(said(file_size(size_bytes)))}</a>"
    )


def _figure(file: JobInput | JobOutput, label: str) -> str:
    size = said(dimensions(file.blob.width_px, file.blob.height_px))
    return (
        f'<figure><img class="dr-plain" src="{picture_url(file)}" alt="{escape(file.file_name)}">'
        f"<figcaption>{escape(label)} · {escape(size)}</figcaption></figure>"
    )


def _kind(file: JobOutput) -> str:
    kind = file.blob.media_type.removeprefix("image/")
    return "WebP" if kind == "webp" else kind.upper()

"""One model of the catalogue as markup: purpose, state, terms and files."""

from __future__ import annotations

from html import escape

from app.formatting import exact_size, file_size
from app.ui.licences import commercial_pill, licence_terms
from app.ui.states import sentence
from app.ui.words import _, said
from app.weights import management as weights
from studio.models.catalogue import TASK_TITLES, Digest, ModelSpec, WeightFile
from studio.models.sources import describe
from studio.models.weights import Damaged, Installed, Missing, Status
from studio.tools.registry import tool_title
from studio.words import N_, Message, msg


def model_markup(spec: ModelSpec, status: Status) -> str:
    """What the model is for, whether it is there, its terms and its files."""
    size = (
        file_size(status.bytes) if isinstance(status, Installed) else weights.download_words(spec)
    )
    facts = [
        _("{task}, used by {tools}", task=Message(TASK_TITLES[spec.task]), tools=tool_titles(spec)),
        f"{spec.id} · {said(size)} · {spec.licence.name}",
    ]
    note = f"<p>{escape(said(spec.advice))}</p>" if spec.note else ""
    fault, more = "", escape(_("Licence and files"))
    if isinstance(status, Damaged):
        fault = f'<p class="dr-reason">{escape(status.file)}: {escape(said(status.reason))}.</p>'
    return (
        f'<div class="dr-model"><div class="dr-summary"><b>{escape(spec.title)}</b>'
        f"{_state_pill(status)}{commercial_pill(spec.licence)}</div>"
        f'<span class="dr-muted dr-small">{"<br>".join(map(escape, facts))}</span>{note}{fault}'
        f"<details><summary>{more}</summary>"
        f"<p>{licence_terms(spec.licence)}</p>{_files_markup(spec)}</details></div>"
    )


def tool_titles(spec: ModelSpec) -> tuple[Message, ...]:
    """The tools that use a model, as people know them."""
    return tuple(Message(tool_title(tool)) for tool in spec.tools)


def _state_pill(status: Status) -> str:
    tone, words = {
        Installed: ("running", N_("Installed")),
        Missing: ("queued", N_("Not installed")),
        Damaged: ("failed", N_("Damaged")),
    }[type(status)]
    return f'<span class="dr-pill dr-{tone}">{escape(said(words))}</span>'


def _files_markup(spec: ModelSpec) -> str:
    return "<ul>" + "".join(f"<li>{_file_markup(file)}</li>" for file in spec.files) + "</ul>"


def _file_markup(file: WeightFile) -> str:
    size = said(exact_size(file.bytes) if file.bytes else msg("size unknown"))
    if file.is_made:
        made = msg("`{file}`, made here from {others}", file=file.name, others=file.made_from)
        return sentence(made)
    digests = "".join(
        f"<br><small>{sentence(_digest_words(digest))}</small>" for digest in file.digests
    )
    unknown = "" if file.digests else f"<br><small>{escape(said(file.digest_evidence))}</small>"
    places = "".join(
        f"<br><small>{escape(said(describe(source)))}</small>" for source in file.sources
    )
    return f"<code>{escape(file.name)}</code>, {escape(size)}{digests}{unknown}{places}"


def _digest_words(digest: Digest) -> Message:
    return msg(
        "{kind} {evidence}: `{value}`",
        kind=digest.kind,
        evidence=digest.evidence_words,
        value=digest.value,
    )

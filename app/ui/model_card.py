"""One model of the catalogue as markup: purpose, state, terms and files."""

from __future__ import annotations

from html import escape

from app import weights
from app.ui.format import exact_size, file_size
from app.ui.licences import commercial_pill, licence_terms
from studio.models.catalogue import ModelSpec, WeightFile
from studio.models.sources import describe
from studio.models.weights import Damaged, Installed, Missing, Status
from studio.tools.spec import TOOLS


def model_markup(spec: ModelSpec, status: Status) -> str:
    """What the model is for, whether it is there, its terms and its files."""
    size = (
        file_size(status.bytes) if isinstance(status, Installed) else weights.download_words(spec)
    )
    facts = [
        f"{spec.task.capitalize()}, used by {tool_titles(spec)}",
        f"{spec.id} · {size} · {spec.licence.name}",
    ]
    note = f"<p>{escape(spec.note)}</p>" if spec.note else ""
    fault = ""
    if isinstance(status, Damaged):
        fault = f'<p class="dr-reason">{escape(status.file)}: {escape(status.reason)}.</p>'
    return (
        f'<div class="dr-model"><div class="dr-summary"><b>{escape(spec.title)}</b>'
        f"{_state_pill(status)}{commercial_pill(spec.licence)}</div>"
        f'<span class="dr-muted dr-small">{"<br>".join(map(escape, facts))}</span>{note}{fault}'
        f"<details><summary>Licence and files</summary>"
        f"<p>{licence_terms(spec.licence)}</p>{_files_markup(spec)}</details></div>"
    )


def tool_titles(spec: ModelSpec) -> str:
    """The tools that use a model, as people know them."""
    return ", ".join(TOOLS[tool].title for tool in spec.tools)


def _state_pill(status: Status) -> str:
    tone, words = {
        Installed: ("running", "Installed"),
        Missing: ("queued", "Not installed"),
        Damaged: ("failed", "Damaged"),
    }[type(status)]
    return f'<span class="dr-pill dr-{tone}">{words}</span>'


def _files_markup(spec: ModelSpec) -> str:
    return "<ul>" + "".join(f"<li>{_file_markup(file)}</li>" for file in spec.files) + "</ul>"


def _file_markup(file: WeightFile) -> str:
    size = exact_size(file.bytes) if file.bytes else "size unknown"
    if file.is_made:
        return f"<code>{escape(file.name)}</code>, made here from {', '.join(file.made_from)}"
    digests = "".join(
        f"<br><small>{digest.kind} {digest.evidence}: <code>{digest.value}</code></small>"
        for digest in file.digests
    )
    unknown = "" if file.digests else f"<br><small>{file.digest_evidence}</small>"
    places = "".join(f"<br><small>{escape(describe(source))}</small>" for source in file.sources)
    return f"<code>{escape(file.name)}</code>, {size}{digests}{unknown}{places}"

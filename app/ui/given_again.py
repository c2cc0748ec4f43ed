"""What somebody gave a run in place of its tool's own work, asked for where it is run again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import streamlit as st

from app.runs.corrections import given_in_place
from app.runs.reading import get_run, main_input, stored_file
from app.ui.literal import literal
from app.ui.options import OptionForm
from app.ui.submitting import Files
from app.ui.toolpage import ToolPage, query_id
from app.ui.trays import Tray
from app.ui.words import _
from tasks.files import StoredFile


@dataclass(frozen=True, slots=True)
class GivenAgain:
    """``files`` by role, for the one picture ``source``; without that, none for any."""

    source: StoredFile | None = None
    files: Files = field(default_factory=dict)

    def beside(self, file: StoredFile) -> Files:
        """Those that a run on ``file`` reads."""
        return self.files if self.source and self.source.sha256 == file.sha256 else {}

    def spares_networks(self, form: OptionForm, held: Tray) -> bool:
        """Whether no run on what is ``held`` opens a network, so that none need be installed."""
        params = form.unchecked()
        return not any(params.needs_network(self.beside(file)) for file in held.files)


def ask_given_again(
    page: ToolPage, form: OptionForm, held: Tray, questions: Mapping[str, Callable[[str], str]]
) -> GivenAgain:
    """Whether what somebody gave the run in ``?from=`` counts again.

    It belongs to that run's picture, so nothing is asked unless that is ``held``.

    Args:
        page: of the tool.
        form: whose keys those of the widgets begin with.
        held: the pictures to run.
        questions: what is asked, by role, of the name of the picture.

    """
    job_id = query_id("from")
    job = get_run(page.services, page.actor, job_id) if job_id else None
    source = main_input(job) if job and job.tool == page.tool else None
    if job is None or source is None:
        return GivenAgain()
    if source.blob_sha256 not in {file.sha256 for file in held.files}:
        return GivenAgain()
    files = {}
    for role, question in questions.items():
        given = given_in_place(job, role)
        words, key = question(literal(source.file_name)), f"{form.key}.{role}.again"
        if given is not None and st.checkbox(words, value=True, key=key):
            files[role] = [stored_file(given)]
    return GivenAgain(stored_file(source), files)


def name_given_mask(name: str) -> str:
    """What tools ask that find a subject themselves unless they are given its mask."""
    return _("Use the mask given for {name} again, in place of the model", name=name)

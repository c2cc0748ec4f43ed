"""What a person confirms before the first face swap."""

from __future__ import annotations

import streamlit as st

from app.people.consent import give_consent
from app.ui.signed_in import visitor
from app.ui.toolpage import ToolPage
from app.ui.words import _, said


def ask_consent(page: ToolPage) -> None:
    """What the tool does and what it asks for, before anything else."""
    with st.container(border=True, key="consent", gap="small"):
        st.subheader(_("Before your first face swap"), anchor=False)
        st.markdown(
            _(
                "This tool replaces faces in photographs with other people’s. The results can look "
                "real, so the studio asks you once:\n"
                "- **Agreement.** Everybody whose face you use or replace must have agreed to "
                "it.\n"
                "- **Marked as edited.** Each result carries a note inside the file that says it "
                "was composed, by which run and from which files.\n"
                "- **On record.** The studio keeps who ran what, and this confirmation with its "
                "time."
            )
        )
        agrees = st.checkbox(said(page.spec.consent), key="consent.agrees")
        if st.button(
            _("Confirm and go on"), type="primary", disabled=not agrees, key="consent.give"
        ):
            give_consent(page.services, page.actor, page.tool, visitor())
            st.rerun()

"""What a person confirms before the first run of a tool that asks for it."""

from __future__ import annotations

import streamlit as st

from app.people.consent import give_consent, has_consented
from app.ui.guard import acting
from app.ui.signed_in import visitor
from app.ui.toolpage import ToolPage
from app.ui.words import _, said
from db.actor import Actor
from studio.tools.spec import Consent
from tasks.services import Services


def waits_for_consent(page: ToolPage) -> bool:
    """Whether the person has yet to confirm what the tool asks for; if so, they are asked."""
    consent = page.spec.consent
    if consent is None or has_consented(page.services, page.actor, page.tool):
        return False
    _ask(page, consent)
    return True


def _ask(page: ToolPage, consent: Consent) -> None:
    with st.container(border=True, key="consent", gap="small"):
        st.subheader(said(consent.title), anchor=False)
        st.markdown(said(consent.about))
        agrees = st.checkbox(said(consent.statement), key="consent.agrees")
        tool = page.tool
        st.button(
            _("Confirm and go on"),
            type="primary",
            disabled=not agrees,
            key="consent.give",
            on_click=acting(_give),
            args=(page.services, tool),
        )


def _give(actor: Actor, services: Services, tool: str) -> None:
    give_consent(services, actor, tool, visitor())

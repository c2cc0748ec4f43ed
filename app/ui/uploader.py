"""Taking pictures in: where they are dropped, and what became of them.

The uploader is emptied after every drop, so no upload stays in the web process's memory.
"""

from __future__ import annotations

import json
import re
from time import monotonic

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.runs.following import FOLLOW_S
from app.runs.incoming import incoming
from app.ui import states
from app.ui.guard import acting, fragment
from app.ui.literal import literal
from app.ui.signed_in import require_runner
from app.ui.trays import Tray
from app.ui.words import _, _n
from db.actor import Actor
from tasks.services import Services

_SINCE = "uploader.since"
_HERE = (
    '[data-testid="stFileChip"]:not(:has([data-testid="stFileChipIconSpinner"], [role="alert"]))'
)
"""What a drop zone of Streamlit's shows of a file that is on its way no more."""


def pick_files(
    services: Services, held: Tray, *, key: str, limit: int, label: str, invitation: str = ""
) -> None:
    """Draw the drop zone, as ``drop_zone`` does, and say what of it was refused."""
    drop_zone(services, held, key=key, limit=limit, label=label, invitation=invitation)
    say_refused(held, key=key)


def drop_zone(
    services: Services, held: Tray, *, key: str, limit: int, label: str, invitation: str = ""
) -> None:
    """Draw the drop zone, and take what is dropped into ``held``.

    Files of every kind are taken up: what the browser keeps back is named by nobody. The zone is
    to be drawn however full ``held`` is: it may hold what was dropped while others were checked.

    Args:
        services: the studio.
        held: where the pictures go.
        key: prefix of the drop zone's key.
        limit: most pictures that ``held`` may hold; where it is one, a drop takes its place.
        label: names the drop zone to those who cannot see it.
        invitation: written on it, in place of the usual words.

    """
    drop = held.drops
    zone = f"{key}.drop.{drop}"
    since_s = _drawn_since_s(zone, key)
    if limit == 1 and held.chosen:
        invitation = _("Drop another here in its place")
    _write_on(zone, invitation or _("Drop pictures here"))
    uploads = st.file_uploader(
        label,
        accept_multiple_files=limit > 1,
        key=zone,
        label_visibility="collapsed",
    )
    if not uploads:
        return
    owner = require_runner().id
    several = uploads if isinstance(uploads, list) else [uploads]
    new = len(held.unread(several))
    if new:
        with st.spinner(_n("Checking {n} file…", "Checking {n} files…", new)):
            held.take_drop(services, several, limit=limit, drop=drop, owner=owner)
        st.rerun()
    if _awaits(since_s):
        _hide_taken(zone)
        _follow_arrivals(since_s)  # another zone would not be told of what this one waits for
    else:
        held.renew(drop)
        st.rerun()


@fragment(run_every=FOLLOW_S, who=require_runner)
def _follow_arrivals(_actor: Actor, since_s: float) -> None:
    """Draw the page anew once nothing is on its way any more: what is called off nobody tells."""
    if not _awaits(since_s):
        st.rerun()


def _drawn_since_s(zone: str, key: str) -> float:
    """When this tab first had the drop zone ``zone`` of ``key`` on its page, by ``monotonic``."""
    times: dict[str, float] = st.session_state.setdefault(_SINCE, {})
    if zone not in st.session_state:
        times[key] = monotonic()
    return times[key]


def _awaits(since_s: float) -> bool:
    """Whether a zone that is there since then may be told of a file that it does not know yet."""
    context = get_script_run_ctx()
    return context is not None and incoming().awaits(context.session_id, since_s=since_s)


def say_refused(held: Tray, *, key: str) -> None:
    """Name what was refused, until somebody says that it was read, and what is no longer there.

    ``key`` begins the key of the button for that.
    """
    refused = held.refused
    if refused.total:
        title = _n("This file is not taken", "{n} files are not taken", refused.total)
        states.refusals(refused.named, title, before=refused.before)
        st.button(
            _("Dismiss"),
            type="tertiary",
            icon=":material/close:",
            key=f"{key}.dismiss",
            on_click=acting(_dismiss),
            args=(held,),
        )
    if held.forgotten:
        st.info(
            _(
                "Not touched for so long that the studio has let go of them: {names}. Add them "
                "again to run them.",
                names=tuple(map(literal, held.forgotten)),
            ),
            icon=":material/history_toggle_off:",
        )


def _dismiss(_actor: Actor, held: Tray) -> None:
    held.dismiss()


def _write_on(key: str, invitation: str) -> None:
    """Put our words on the drop zone ``key``, whose own are Streamlit's."""
    words = {"drop": invitation, "choose": _("Choose files")}
    rules = "".join(f"--dr-{name}: {_css_string(text)};" for name, text in words.items())
    st.html(f"<style>{_class_of(key)} {{{rules}}}</style>")


def _hide_taken(key: str) -> None:
    """Have the drop zone ``key``, of which all was taken, show only what is to come or failed.

    The rest is shown where it can be taken out; the cross that Streamlit gives it does not do that.
    """
    st.html(f"<style>{_class_of(key)} {_HERE} {{display: none}}</style>")


def _class_of(key: str) -> str:
    """That Streamlit gives the element ``key``."""
    return f".st-key-{re.sub('[^A-Za-z0-9_-]', '-', key)}"


def _css_string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("<", r"\3c ")

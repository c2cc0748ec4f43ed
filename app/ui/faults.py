"""What stops a page, or a part of it: said in a sentence in its place."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex

import streamlit as st

from app.ui.literal import literal_sentence
from app.ui.words import _
from db.errors import RecordError
from studio.errors import StudioError
from tasks.authority import NotAllowedError

logger = logging.getLogger(__name__)


@contextmanager
def saying_faults(what: str) -> Iterator[None]:
    """Say what stops this; what nobody expected gets a number, under which ``what`` is logged."""
    try:
        yield
    except NotAllowedError as error:
        st.error(literal_sentence(error), icon=":material/lock:")
    except (StudioError, RecordError) as error:
        st.error(literal_sentence(error), icon=":material/error:")
    except Exception:
        number = token_hex(4)
        logger.exception("%s failed: number %s", what, number)
        st.error(
            _(
                "Something went wrong inside the studio. Reload the page; if it happens again, "
                "tell an admin the number {number}, which is in the log of the web process.",
                number=number,
            ),
            icon=":material/error:",
        )

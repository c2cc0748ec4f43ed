"""On what terms weights may be used."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from studio.words import Message, msg, verbatim

Commercial = Literal["yes", "no", "ask"]


class Entry(BaseModel):
    """A part of the catalogue: never changed, and without fields that nothing reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Licence(Entry):
    """On what terms the weights may be used, in plain words.

    Attributes:
        name: the licence's usual name.
        commercial: whether commercial use is allowed; "ask" when it needs a contract or the
            terms are not established.
        words: what a person should know before using results, in a sentence or two.
        url: where the terms are, when they have an address.

    """

    name: str = Field(min_length=1)
    commercial: Commercial
    words: str = Field(min_length=20)
    url: str | None = None

    @property
    def meaning(self) -> Message:
        """``words``, translated where they are those of the catalogue that ships."""
        return verbatim(self.words)

    @property
    def restriction(self) -> Message:
        """What to say wherever the model is chosen or has run; empty when nothing is forbidden."""
        if self.commercial != "no":
            return Message("")
        return msg("no commercial use ({licence})", licence=self.name)

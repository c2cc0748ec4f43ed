"""What every use of a network needs: to be called as described, and to have the memory for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from studio.errors import ModelUnavailableError, RetriableError
from studio.models.catalogue import ModelSpec
from studio.models.contracts import CallContract
from studio.words import Message, msg

_RETRY_S = 30.0

Kind = TypeVar("Kind", bound=CallContract)


def require_contract(spec: ModelSpec, kind: type[Kind]) -> Kind:
    """How to call a network, which has to be of ``kind``.

    Raises:
        ModelUnavailableError: ``model.unsupported``, the catalogue calls it another way.

    """
    contract = spec.contract
    if not isinstance(contract, kind):
        raise ModelUnavailableError(
            msg("{title} is not described as {noun}.", title=spec.title, noun=Message(kind.noun)),
            code="model.unsupported",
        )
    return contract


@contextmanager
def enough_memory(what: Message) -> Iterator[None]:
    """Run what needs memory, such as "a face with GFPGAN", which is then named when it fails.

    Raises:
        RetriableError: ``memory.exhausted``.

    """
    try:
        yield
    except MemoryError as error:
        raise memory_exhausted(what) from error


def memory_exhausted(what: Message) -> RetriableError:
    """The error for a machine too full for even the smallest step of ``what``."""
    return RetriableError(
        msg(
            "There is too little free memory for {what}. The run is tried again shortly.", what=what
        ),
        delay_s=_RETRY_S,
        code="memory.exhausted",
    )

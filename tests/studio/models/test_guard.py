from __future__ import annotations

import pytest

from studio.errors import ModelUnavailableError, RetriableError
from studio.models.catalogue import load_catalogue
from studio.models.contracts import CallContract, EnlargingContract, MattingContract
from studio.models.guard import enough_memory, require_contract
from studio.words import msg
from tests.studio.models.weight_factories import make_file, make_model


def test_require_contract_gives_the_contract_of_its_kind() -> None:
    spec = make_model(make_file())
    assert require_contract(spec, EnlargingContract) is spec.contract


def test_require_contract_of_another_kind_says_what_the_model_is_not() -> None:
    with pytest.raises(ModelUnavailableError, match="Tiny net is not described as a matting") as no:
        require_contract(make_model(make_file()), MattingContract)
    assert no.value.code == "model.unsupported"


def test_every_kind_of_contract_has_a_noun() -> None:
    kinds = {type(spec.contract) for spec in load_catalogue()}
    assert all(issubclass(kind, CallContract) and kind.noun for kind in kinds)


def test_enough_memory_names_what_there_was_too_little_for() -> None:
    exhausted = pytest.raises(RetriableError, match="too little free memory for a face")
    with exhausted as error, enough_memory(msg("a face")):
        raise MemoryError
    assert error.value.code == "memory.exhausted"
    with pytest.raises(ValueError, match="other"), enough_memory(msg("a face")):
        raise ValueError("other")

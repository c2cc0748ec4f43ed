from __future__ import annotations

import pytest

from studio.errors import ModelUnavailableError
from studio.models.cache import ModelCache
from studio.models.catalogue import load_catalogue
from studio.models.weights import WeightStore
from studio.settings import Settings


@pytest.fixture(scope="session")
def installed_models() -> ModelCache:
    """The weights of this checkout, resident for the whole session."""
    settings = Settings()
    return ModelCache(WeightStore(settings.weights_dir, load_catalogue()), settings)


@pytest.fixture
def need_weights(request: pytest.FixtureRequest) -> None:
    """Skip, saying what to pull, unless every model of ``@pytest.mark.weights(...)`` is there."""
    settings = Settings()
    store = WeightStore(settings.weights_dir, load_catalogue())
    for model_id in request.node.get_closest_marker("weights").args:
        try:
            store.path(model_id)
        except ModelUnavailableError as error:
            pytest.skip(str(error))

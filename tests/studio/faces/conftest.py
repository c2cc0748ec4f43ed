from __future__ import annotations

from tests.studio.tools.conftest import installed_models, need_weights

__all__ = ["installed_models", "need_weights"]

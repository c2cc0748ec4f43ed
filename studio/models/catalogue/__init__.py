"""What weights exist: contract, size, digests, licence and sources of every model, as data.

The data is ``weights/catalogue.toml``; this package checks its shape. It loads no network
library, so the web process imports it.
"""

from studio.models.catalogue.files import (
    Conversion,
    Digest,
    DigestKind,
    Format,
    HttpsSource,
    ImportSource,
    NpmSource,
    PipSource,
    Source,
    WeightFile,
)
from studio.models.catalogue.licence import Commercial, Licence
from studio.models.catalogue.listing import Catalogue, load_catalogue
from studio.models.catalogue.spec import TASK_TITLES, ModelSpec, Task

__all__ = [
    "TASK_TITLES",
    "Catalogue",
    "Commercial",
    "Conversion",
    "Digest",
    "DigestKind",
    "Format",
    "HttpsSource",
    "ImportSource",
    "Licence",
    "ModelSpec",
    "NpmSource",
    "PipSource",
    "Source",
    "Task",
    "WeightFile",
    "load_catalogue",
]

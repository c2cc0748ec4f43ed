"""The tools with their resident models. Heavy: only worker children import this module."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import lru_cache

from db.repositories.queue import Claim
from studio.imaging.decode import Limits
from studio.models.cache import ModelCache
from studio.models.catalogue import load_catalogue
from studio.models.weights import WeightStore
from studio.report import ProgressSink, Report
from studio.settings import Settings
from studio.storage import Arriving
from studio.tools.pipeline import InputFile, RunResult, run_tool
from studio.tools.registry import get_tool, load_params
from tasks.reading import decoding_pool
from tasks.services import Services


@lru_cache
def resident_models(settings: Settings) -> ModelCache:
    """This process's models, loaded when first used and kept as long as they fit."""
    return ModelCache(WeightStore(settings.weights_dir, load_catalogue()), settings)


def interrupt(settings: Settings) -> None:
    """End the network call under way, from another thread, so that a cancel frees the worker."""
    resident_models(settings).interrupt()


def run(
    services: Services, claim: Claim, sink: ProgressSink, new_file: Callable[[], Arriving]
) -> RunResult[Arriving]:
    """Read the job's files and run its tool on them; what it makes is written to new files.

    Raises:
        StudioError: whatever the tool or storage refuses.

    """
    settings = services.settings
    with ExitStack() as stored:
        files = [
            InputFile(
                file.role,
                file.file_name,
                stored.enter_context(services.blobs.as_file(file.sha256)),
            )
            for file in claim.files
        ]
        return run_tool(
            get_tool(claim.tool),
            files,
            load_params(claim.tool, claim.params_version, claim.params),
            resident_models(settings),
            Report(sink),
            limits=Limits.from_settings(settings),
            new_file=new_file,
            job_id=claim.job_id,
            embed_provenance=settings.embed_provenance,
            pool=decoding_pool(),
        )

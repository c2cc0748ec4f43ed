"""All models together, read from their files."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from studio.errors import ModelUnavailableError, WeightError
from studio.models.catalogue.spec import ModelSpec, Task
from studio.settings import get_settings
from studio.text import shown
from studio.validation import fault_in
from studio.words import Message, Value, msg


class Catalogue:
    """All known models, in the file's order."""

    def __init__(self, models: tuple[ModelSpec, ...]) -> None:
        counts = Counter(model.id for model in models)
        if repeated := [model_id for model_id, count in counts.items() if count > 1]:
            raise WeightError(
                msg("The weight catalogue lists {repeated} twice.", repeated=tuple(repeated)),
                code="weight.catalogue",
            )
        self._models = {model.id: model for model in models}

    @classmethod
    def load(cls, *paths: Path) -> Catalogue:
        """Read and check catalogue files, one after the other.

        A model may name a licence of its own file or of one before.

        Raises:
            WeightError: ``weight.catalogue``, naming the file, entry and field at fault.

        """
        licences: dict[str, Any] = {}
        models: list[ModelSpec] = []
        for path in paths:
            try:
                document = tomllib.loads(path.read_text(encoding="utf-8"))
                licences |= _licences(document)
                models += (_read(entry, licences) for entry in _entries(document))
            except (OSError, ValueError) as error:
                raise WeightError(
                    msg(
                        "The weight catalogue {file} cannot be used: {fault}",
                        file=path.name,
                        fault=_fault(error),
                    ),
                    code="weight.catalogue",
                ) from error
        return cls(tuple(models))

    def __iter__(self) -> Iterator[ModelSpec]:
        return iter(self._models.values())

    def __len__(self) -> int:
        return len(self._models)

    def __contains__(self, model_id: object) -> bool:
        return model_id in self._models

    def get(self, model_id: str) -> ModelSpec:
        """The model called ``model_id``.

        Raises:
            ModelUnavailableError: ``model.unknown``.

        """
        try:
            return self._models[model_id]
        except KeyError as error:
            raise ModelUnavailableError(
                msg(
                    "There is no model called “{model}”. `studio weights list` shows them all.",
                    model=model_id,
                ),
                code="model.unknown",
            ) from error

    def for_tool(self, tool: str, task: Task | None = None) -> list[ModelSpec]:
        """Models the tool uses, or those for one of its tasks, default first as in the file."""
        return [model for model in self if tool in model.tools and task in (None, model.task)]

    def defaults(self) -> list[ModelSpec]:
        """Models a fresh studio installs."""
        return [model for model in self if model.default]


def _licences(document: Mapping[str, Any]) -> Mapping[str, Any]:
    licences = document.get("licences", {})
    if isinstance(licences, dict):
        return licences
    raise ValueError(msg("its licences are no table. Begin each with [licences.NAME]."))


def _entries(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    entries = document.get("model")
    if isinstance(entries, list) and entries and all(isinstance(one, dict) for one in entries):
        return entries
    raise ValueError(
        msg("it lists no models. Begin each with [[model]], in two pairs of brackets.")
    )


def _read(entry: Mapping[str, Any], licences: Mapping[str, Any]) -> ModelSpec:
    """An entry of a file.

    Raises:
        ValueError: with a message that names the entry and the field.

    """
    name = shown(str(entry.get("id", ""))) or msg("an entry without an id")
    fields = dict(entry)
    if "licence" in entry:
        fields["licence"] = _licence(name, str(entry["licence"]), licences)
    try:
        return ModelSpec.model_validate(fields)
    except ValidationError as error:
        fault = fault_in(error.errors(include_url=False), whole=msg("the entry"))
        raise ValueError(msg("{name}, {fault}", name=name, fault=fault)) from error


def _licence(entry_name: Value, licence: str, licences: Mapping[str, Any]) -> object:
    if licence not in licences:
        raise ValueError(
            msg(
                "{name}, licence: there is none called “{licence}”. Describe it under "
                "[licences.{licence}], or name one that there is.",
                name=entry_name,
                licence=shown(licence),
            )
        )
    return licences[licence]


def _fault(error: Exception) -> Value:
    """What is wrong with a file; the reader of TOML and the system say it in words of theirs."""
    words = error.args[0] if error.args else ""
    return words if isinstance(words, Message) else str(error)


@lru_cache
def load_catalogue() -> Catalogue:
    """The catalogue that the settings name and the team's own beside it, read once a process.

    Raises:
        WeightError: ``weight.catalogue``.

    """
    settings = get_settings()
    local = settings.local_catalogue_path
    return Catalogue.load(settings.catalogue_path, *([local] if local.exists() else []))

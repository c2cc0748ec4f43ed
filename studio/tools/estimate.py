"""What a run will give and how long it may take, known before it starts. Loads no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from studio.errors import UserInputError
from studio.imaging.encode import MAX_SIDE_PX
from studio.models.catalogue import ModelSpec
from studio.models.contracts import MattingContract
from studio.params import ToolParams
from studio.params.sizes import megapixels
from studio.words import msg

_INPUTS_FACTOR = 4
"""All pictures that a run reads may have this many times the pixels that one may have: a picture
with a mask and a drawing of its size, and one more."""


@dataclass(frozen=True, slots=True)
class PastRun:
    """A finished run of this machine, reduced to what an estimate needs."""

    megapixels: float
    run_s: float
    """The tool itself, without loading weights."""
    handling_s: float
    """Decoding and encoding, which grow with the picture whatever the network does."""

    @classmethod
    def from_stages(cls, seconds: Mapping[str, float], input_megapixels: float) -> PastRun:
        """Read ``seconds`` by stage, as a run record keeps them."""
        return cls(
            megapixels=max(input_megapixels, 1e-6),
            run_s=seconds.get("run", 0.0),
            handling_s=seconds.get("decode", 0.0) + seconds.get("encode", 0.0),
        )


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds a run may take, and how many finished runs say so."""

    seconds: float
    judged_by_runs: int
    is_same_model: bool
    """Whether those runs used this very model; otherwise its cost was scaled to theirs."""


def require_output_fits(
    params: ToolParams, width_px: int, height_px: int, *, max_pixels: int
) -> None:
    """Refuse a run whose result would be too large to hold or to save.

    Raises:
        UserInputError: ``output.too_many_pixels``, ``format.too_small``, or as
            ``ToolParams.output_size`` does.

    """
    width_px, height_px = params.output_size(width_px, height_px)
    size = msg("{width} × {height} px", width=width_px, height=height_px)
    if width_px * height_px > max_pixels:
        raise UserInputError(
            msg(
                "The result would be {size}, {megapixels:.0f} megapixels, and the limit is {most}",
                size=size,
                megapixels=megapixels(width_px, height_px),
                most=max_pixels / 1e6,
            ),
            remedy=params.remedy_for_size(),
            code="output.too_many_pixels",
        )
    longest_px = MAX_SIDE_PX.get(params.format)
    if longest_px is not None and max(width_px, height_px) > longest_px:
        raise UserInputError(
            msg(
                "The result would be {size}, and {format} files end at {longest} px a side",
                size=size,
                format=params.format.upper(),
                longest=longest_px,
            ),
            remedy=msg("Choose PNG, or options that give a smaller result."),
            code="format.too_small",
        )


def require_inputs_fit(pixels: int, file_name: str, *, max_pixels: int) -> None:
    """Refuse a run whose pictures would be too large to hold together.

    Args:
        pixels: of all pictures of the run up to the one called ``file_name``.
        file_name: named by the refusal.
        max_pixels: the limit of a single picture.

    Raises:
        UserInputError: ``inputs.too_many_pixels``.

    """
    most = _INPUTS_FACTOR * max_pixels
    if pixels > most:
        raise UserInputError(
            msg(
                "With it the pictures of this run have {megapixels:.0f} megapixels together, and "
                "the limit is {most:.0f}",
                megapixels=pixels / 1e6,
                most=most / 1e6,
            ),
            remedy=msg("Give fewer pictures, or smaller ones."),
            code="inputs.too_many_pixels",
            file_name=file_name,
        )


def estimate_seconds(
    model: ModelSpec | None,
    megapixels: float,
    past: Sequence[PastRun],
    others: Sequence[tuple[ModelSpec, PastRun]] = (),
) -> Estimate | None:
    """How long a run on a picture of ``megapixels`` may take on this machine.

    Args:
        model: the chosen one; None for a run without a network.
        megapixels: of the input.
        past: runs of the same tool and model that did run the network.
        others: runs of other networks here, used when ``past`` is empty: their
            multiply-adds a second are taken for this model's.

    Returns:
        None when nothing has run here yet to judge by.

    """
    handling = past or [run for _, run in others]
    if past:
        per_work_s = median(run.run_s / _work(model, run.megapixels) for run in past)
        run_s = per_work_s * _work(model, megapixels)
    elif rates := [rate for other, run in others if (rate := _seconds_a_gmac(other, run))]:
        gmac = _gmac(model, megapixels)
        if gmac is None:
            return None
        run_s = median(rates) * gmac
    else:
        return None
    handling_s = median(run.handling_s / run.megapixels for run in handling) * megapixels
    return Estimate(run_s + handling_s, len(handling), is_same_model=bool(past))


def _work(model: ModelSpec | None, megapixels: float) -> float:
    """What a run's seconds are in proportion to: multiply-adds where they are known."""
    gmac = _gmac(model, megapixels)
    if gmac is not None:
        return gmac
    contract = model.contract if model else None
    is_fixed_size = isinstance(contract, MattingContract) and contract.size_px is not None
    return 1.0 if is_fixed_size else megapixels


def _gmac(model: ModelSpec | None, megapixels: float) -> float | None:
    return model.gmacs(max(round(megapixels * 1e6), 1), 1) if model else None


def _seconds_a_gmac(model: ModelSpec, run: PastRun) -> float | None:
    gmac = _gmac(model, run.megapixels)
    return run.run_s / gmac if gmac else None

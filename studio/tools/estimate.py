"""What a run will give and how long it may take, known before it starts. Loads no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from studio.errors import UserInputError
from studio.imaging.encode import MAX_SIDE_PX
from studio.imaging.resample import fit_long_side
from studio.models.catalogue import ModelSpec
from studio.models.contracts import MattingContract
from studio.params import ALL_LOOKS, CartoonParams, ToolParams, UpscaleParams
from studio.tools.cartooning.layout import SheetLayout


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


def output_size(params: ToolParams, width_px: int, height_px: int) -> tuple[int, int]:
    """Width and height of the result, before any crop to the subject.

    Raises:
        UserInputError: ``upscale.not_larger`` when the target is no enlargement.

    """
    if isinstance(params, CartoonParams):
        if params.look == ALL_LOOKS:
            return SheetLayout.of(width_px, height_px, params.long_side_px).size
        return fit_long_side(width_px, height_px, params.long_side_px)
    if not isinstance(params, UpscaleParams):
        return width_px, height_px
    target_px = params.target_width_px
    if target_px is None:
        return width_px * params.scale, height_px * params.scale
    if target_px <= width_px:
        raise UserInputError(
            f"A target width of {target_px} px does not enlarge a picture {width_px} px wide",
            remedy=f"Choose more than {width_px} px, or a scale.",
            code="upscale.not_larger",
        )
    return target_px, max(round(height_px * target_px / width_px), 1)


def require_output_fits(
    params: ToolParams, width_px: int, height_px: int, *, max_pixels: int
) -> None:
    """Refuse a run whose result would be too large to hold or to save.

    Raises:
        UserInputError: ``output.too_many_pixels`` or ``format.too_small``.

    """
    width_px, height_px = output_size(params, width_px, height_px)
    size = f"{width_px} × {height_px} px"
    if width_px * height_px > max_pixels:
        raise UserInputError(
            f"The result would be {size}, {megapixels(width_px, height_px):.0f} megapixels, "
            f"and the limit is {max_pixels / 1e6:g}",
            remedy="Choose a smaller scale or target width.",
            code="output.too_many_pixels",
        )
    longest_px = MAX_SIDE_PX.get(params.format)
    if longest_px is not None and max(width_px, height_px) > longest_px:
        raise UserInputError(
            f"The result would be {size}, and {params.format.upper()} files end at "
            f"{longest_px} px a side",
            remedy="Choose PNG, or a smaller scale.",
            code="format.too_small",
        )


def megapixels(width_px: int, height_px: int) -> float:
    """Millions of pixels."""
    return width_px * height_px / 1e6


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


def describe(estimate: Estimate | None) -> str:
    """One phrase for people, honest about what it rests on."""
    if estimate is None:
        return "no run yet to judge by"
    basis = "of this model" if estimate.is_same_model else "of other models"
    runs = "run" if estimate.judged_by_runs == 1 else "runs"
    return f"about {_rounded(estimate.seconds)}, from {estimate.judged_by_runs} {runs} {basis}"


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


def _rounded(seconds: float) -> str:
    if seconds < 10:
        return f"{max(seconds, 0.1):.1f} s"
    if seconds < 90:
        return f"{round(seconds)} s"
    return f"{round(seconds / 60)} min"

"""Patch-based (exemplar-based) inpainting of a hole, from a rough filling of a reduced copy.

For each target patch the most similar source patch is looked for, and each pixel becomes the
weighted mean of what the sources of the patches over it show for it, in turns and from coarse to
fine: Wexler, Shechtman and Irani, "Space-time completion of video", 2007, with the texture
features of Newson et al., "Video inpainting of complex scenes", 2014. Coherence is rewarded, so
that whole pieces are copied and few joins are left.

Colours, and what patches are compared by, are kept in whole numbers or halves. Float sums of
them are exact, so the bytes do not depend on the order in which a library adds.
"""

from __future__ import annotations

import cv2
import numpy as np

from studio.imaging.picture import Pixels
from studio.models.runtime import Floats
from studio.report import Report
from studio.tools.inpaint.joins import bend_to_meet
from studio.tools.inpaint.levels import PATCH_PX, REACH_PX, Indices, Level, framed

_COLOURS = 3
_OPPONENTS = np.array([[1, 1, 1], [1, 0, -1], [0.5, -1, 0.5]])
_OPPONENTS /= np.linalg.norm(_OPPONENTS, axis=1, keepdims=True)
_MOST_WAVES = (3, 1, 1)
"""Down and across together, of brightness and of two differences of colour."""
_BASIS_STEP = 1 / 256
_DESCRIPTOR_STEP = 1 / 2
_CHUNK = 16384
"""Patches described at a time, which bounds the memory."""
_BLOCK_ROWS, _BLOCK_COLUMNS = 64, 128
"""Larger products wake the threads of BLAS, which then wait busily for more: with many small holes
that cost three times the work itself."""
_MOST_PAIRS = 20_000_000
"""Up to so many, every patch is compared with every other; from there a few are tried."""
_MOST_FIRST_PAIRS = 300_000_000
"""For the first search, which has no earlier one to start from."""
_FADE = 1.3
"""How much less what lies a pixel deeper in the hole is trusted."""
_DEEP_PX = 60
_LEAST_TRUST = 1e-6
"""Of a vote, so that a pixel whose patches all fit badly still gets their mean."""
_PULL = 1.0
"""How much stranger a patch may be, in medians, to come from where all neighbours come from."""
_LAST_PULL = 2.0
_LAST_ROUNDS = 4
_ROUNDS_BY_AREA_PX = ((24_000, 4), (300_000, 1))
"""Searches at a size, by the area of the hole; larger ones follow what the reduced copy found."""
_FULL_SIZE_ROUNDS = 2


def copy_patches(levels: list[Level], rough: Pixels, seed: int, report: Report) -> Pixels:
    """Fill a hole at full size with copies of its surroundings.

    The same arguments give the same bytes.

    Args:
        levels: the image pyramid, full size first, each half as large as the one before.
        rough: the last level's picture with its hole filled, RGB ``uint8 (H, W, 3)``; only its
            hole is looked at, and tells which sources to begin with.
        seed: of the random tries of the search for sources.
        report: progress 0 to 1.

    Returns:
        The first level's picture with its hole filled, RGB ``uint8 (H, W, 3)``.

    Raises:
        JobCancelledError: told to stop.

    """
    rng = np.random.default_rng(seed)
    *larger, level = levels
    report.progress(0)
    nearest = _settled(level, _first_match(level, rough, rng), rng, is_last=not larger)
    for number, next_level in enumerate(reversed(larger), start=1):
        report.progress(number / len(levels))
        nearest = _enlarged(level, nearest, next_level)
        level = next_level
        nearest = _settled(level, nearest, rng, is_last=number == len(larger))
    return _copied(level, nearest)


def _first_match(level: Level, rough: Pixels, rng: np.random.Generator) -> Indices:
    """The source most like each patch of the rough filling, by colours: it knows no roughness."""
    layers = level.layers.copy()
    layers[..., :_COLOURS][level.hole > 0] = rough[level.hole > 0]
    descriptors = _descriptors(level)
    _describe(level, layers, level.targets, descriptors)
    closest = _nearest_source(level)[level.targets]
    return _searched(level, descriptors[:, :_WAVES], closest, rng, _MOST_FIRST_PAIRS)[0]


def _settled(level: Level, nearest: Indices, rng: np.random.Generator, *, is_last: bool) -> Indices:
    """Better sources for the targets: pixels are voted, and sources searched anew, in turns.

    ``nearest`` and the answer are indices of sources, one a target. With ``is_last``, at full size,
    neighbours are in the end drawn together, so that larger pieces come from one place.
    """
    rounds = _rounds(level)
    if rounds == 0:
        return nearest
    descriptors = _descriptors(level)
    distance = np.zeros(len(nearest), np.float32)
    for _ in range(min(rounds, _FULL_SIZE_ROUNDS) if is_last else rounds):
        _describe(level, _vote(level, nearest, distance), level.targets, descriptors)
        nearest, distance = _searched(level, descriptors, nearest, rng, _MOST_PAIRS)
        nearest, distance = _drawn_together(level, descriptors, nearest, distance, _PULL)
    if is_last:
        _describe(level, _vote(level, nearest, distance), level.targets, descriptors)
        distance = _distance(descriptors, level.targets, nearest)
        for _ in range(_LAST_ROUNDS):
            nearest, distance = _drawn_together(level, descriptors, nearest, distance, _LAST_PULL)
    return nearest


def _descriptors(level: Level) -> Floats:
    """What patches are compared by, ``float32 (pixels, values)``; yet only of the sources."""
    descriptors = np.zeros((len(level.slots), _WAVES + 2), np.float32)
    _describe(level, level.layers, level.sources, descriptors)
    return descriptors


def _rounds(level: Level) -> int:
    """How often sources are searched anew at a level: the larger the hole, the less often."""
    for most_px, rounds in _ROUNDS_BY_AREA_PX:
        if len(level.inside) <= most_px:
            return rounds
    return 0


def _product(left: Floats, right: Floats) -> Floats:
    """``left @ right``, ``float32 (n, m)``, by blocks of rows too small to wake BLAS's threads."""
    whole = len(left) // _BLOCK_ROWS * _BLOCK_ROWS
    blocks = left[:whole].reshape(-1, _BLOCK_ROWS, left.shape[1]) @ right
    rest = left[whole:] @ right
    return np.concatenate((blocks.reshape(whole, right.shape[1]), rest))


def _low_frequencies() -> Floats:
    """What a patch of colours is compared by, as columns: cosines of brightness and of two
    differences of colour, fewer of these."""
    steps = np.arange(PATCH_PX)
    waves = np.cos(np.pi * np.outer(steps, steps + 0.5) / PATCH_PX)
    waves /= np.linalg.norm(waves, axis=1, keepdims=True)
    columns = [
        np.outer(np.outer(waves[down], waves[across]).ravel(), colour).ravel()
        for colour, most in zip(_OPPONENTS, _MOST_WAVES, strict=True)
        for down in range(most + 1)
        for across in range(most + 1 - down)
    ]
    basis = np.stack(columns, axis=1) / PATCH_PX
    return np.asarray(np.rint(basis / _BASIS_STEP) * _BASIS_STEP, np.float32)


_BASIS = _low_frequencies()
_WAVES = _BASIS.shape[1]


def _patches(flat: Floats, at: Indices, level: Level) -> Floats:
    """The RGB levels of the patch around each index, ``float32 (N, 3 x PATCH_PX ** 2)``.

    ``flat`` is what ``Level.flat`` gives; ``at`` are indices of middles, whose patches are whole.
    """
    around = at[:, np.newaxis] + level.around(REACH_PX)
    return np.asarray(flat[:, :_COLOURS][around].reshape(len(at), -1), np.float32)


def _describe(level: Level, layers: Floats, at: Indices, out: Floats) -> None:
    """Write the descriptors of the patches whose middles are ``at`` to these rows of ``out``.

    Low frequencies of their colours first, then both roughnesses of the middle.
    """
    flat = level.flat(layers)
    for start in range(0, len(at), _CHUNK):
        some = at[start : start + _CHUNK]
        waves = _product(_patches(flat, some, level), _BASIS)
        out[some, :_WAVES] = np.rint(waves / _DESCRIPTOR_STEP) * _DESCRIPTOR_STEP
    out[at, _WAVES:] = flat[at, _COLOURS:]


def _distance(descriptors: Floats, targets: Indices, sources: Indices) -> Floats:
    """Squared distance from each target's descriptor to its source's, ``float32 (N,)``."""
    apart = descriptors[targets] - descriptors[sources]
    return np.asarray(np.einsum("ij,ij->i", apart, apart), np.float32)


def _searched(
    level: Level, descriptors: Floats, nearest: Indices, rng: np.random.Generator, most_pairs: int
) -> tuple[Indices, Floats]:
    """Index of a source for each target, and its squared distance, ``float32 (N,)``.

    Up to ``most_pairs`` pairs of target and source all are compared; of more, some are tried,
    beginning with the sources in ``nearest``.
    """
    if len(level.targets) * len(level.sources) <= most_pairs:
        return _compared(level, descriptors)
    return _tried(level, descriptors, nearest, rng)


def _compared(level: Level, descriptors: Floats) -> tuple[Indices, Floats]:
    """Index of the most alike source of each target among all, and its squared distance."""
    wanted = descriptors[level.targets]
    best = np.full(len(wanted), np.inf, np.float32)
    nearest = np.zeros(len(wanted), np.int64)
    everyone = np.arange(len(wanted))
    for start in range(0, len(level.sources), _BLOCK_COLUMNS):
        some = level.sources[start : start + _BLOCK_COLUMNS]
        known = descriptors[some]
        lengths = np.einsum("ij,ij->i", known, known)
        distance = lengths - 2 * _product(wanted, np.ascontiguousarray(known.T))
        winner = distance.argmin(axis=1)
        found = distance[everyone, winner]
        is_nearer = found < best
        best[is_nearer] = found[is_nearer]
        nearest[is_nearer] = some[winner[is_nearer]]
    return nearest, best + np.einsum("ij,ij->i", wanted, wanted)


def _tried(
    level: Level, descriptors: Floats, nearest: Indices, rng: np.random.Generator
) -> tuple[Indices, Floats]:
    """Sources at least as alike as those in ``nearest``, and their squared distances.

    Tried are the places beside those that neighbours in the hole copy from, then random ones in
    squares round the present source that halve in size (Barnes et al., "PatchMatch", 2009).
    """
    nearest, distance = nearest.copy(), _distance(descriptors, level.targets, nearest)

    def take(some: Indices, offered: Indices) -> None:
        is_known = level.is_source[offered]
        some, offered = some[is_known], offered[is_known]
        found = _distance(descriptors, level.targets[some], offered)
        is_nearer = found < distance[some]
        nearest[some[is_nearer]] = offered[is_nearer]
        distance[some[is_nearer]] = found[is_nearer]

    last = len(level.slots) - 1
    for step in (8, 4, 2, 1):
        for shift in (step, step * level.width, -step, -step * level.width):
            slots = level.slots[np.clip(level.targets + shift, 0, last)]
            some = np.flatnonzero(slots >= 0)
            take(some, np.clip(nearest[slots[some]] - shift, 0, last))
    everyone = np.arange(len(nearest))
    radius_px = max(level.hole.shape)
    while radius_px >= 1:
        rows, columns = rng.integers(-radius_px, radius_px + 1, (2, len(nearest)))
        take(everyone, np.clip(nearest + rows * level.width + columns, 0, last))
        radius_px //= 2
    return nearest, distance


def _drawn_together(
    level: Level, descriptors: Floats, nearest: Indices, distance: Floats, pull: float
) -> tuple[Indices, Floats]:
    """Indices of sources and squared distances, with fewer joins than in ``nearest``.

    A target takes over a neighbour's shift where the squared distance that this costs is less than
    the price of the joins it saves: ``pull`` medians of all distances for all eight neighbours.
    """
    shifts = nearest - level.targets
    distance = distance.copy()
    price = pull * float(np.median(distance)) / 8
    around = level.around(1)
    rows, columns = np.divmod(level.targets, level.width)
    last = len(level.slots) - 1
    # A quarter of the pixels at a time, so that no two neighbours change at once.
    for part in range(4):
        some = np.flatnonzero(rows % 2 * 2 + columns % 2 == part)
        slots = level.slots[level.targets[some, np.newaxis] + around]
        beside = np.where(slots >= 0, shifts[slots], last)
        now = distance[some] - price * (beside == shifts[some, np.newaxis]).sum(axis=1)
        for column in range(len(around)):
            offered = beside[:, column]
            source = level.targets[some] + offered
            is_known = (source >= 0) & (source <= last) & (offered != shifts[some])
            is_known &= level.is_source[np.clip(source, 0, last)]
            these = np.flatnonzero(is_known)
            found = _distance(descriptors, level.targets[some[these]], source[these])
            agreed = (beside[these] == offered[these, np.newaxis]).sum(axis=1)
            is_better = found - price * agreed < now[these]
            these, found, agreed = these[is_better], found[is_better], agreed[is_better]
            now[these] = found - price * agreed
            shifts[some[these]], distance[some[these]] = offered[these], found
    return level.targets + shifts, distance


def _vote(level: Level, nearest: Indices, distance: Floats) -> Floats:
    """The level's layers, ``float32 (H, W, 5)``, with the hole's pixels voted anew.

    Each becomes the mean of what the sources of the patches over it show for it, weighted by how
    alike these are and how near to the rim their targets lie.
    """
    flat = level.flat(level.layers)
    hole = cv2.copyMakeBorder(level.hole, *(1,) * 4, cv2.BORDER_REPLICATE)
    depth = cv2.distanceTransform(hole, cv2.DIST_L2, 5)[1:-1, 1:-1]
    depth = framed(np.minimum(depth, _DEEP_PX), cv2.BORDER_REPLICATE).ravel()
    usual = max(float(np.percentile(distance, 75)), _BASIS_STEP)
    trust = np.float32(_FADE) ** -depth[level.targets] * np.maximum(
        np.exp(-distance / (2 * usual)), _LEAST_TRUST
    )
    total = np.zeros((len(level.inside), flat.shape[1]), np.float32)
    weight = np.zeros(len(level.inside), np.float32)
    for shift in level.around(REACH_PX):
        slots = level.slots[level.inside + shift]
        share = np.where(slots >= 0, trust[slots], np.float32(0))
        total += flat[np.maximum(nearest[slots] - shift, 0)] * share[:, np.newaxis]
        weight += share
    return level.with_inside(np.rint(total / weight[:, np.newaxis]))


def _enlarged(small: Level, nearest: Indices, level: Level) -> Indices:
    """Indices of sources for the targets of ``level``, which is twice as large as ``small``.

    Each lies twice as far from its target as at ``small``, or is the source nearest to there.
    """
    rows, columns = (index - REACH_PX for index in np.divmod(level.targets, level.width))
    before = (rows // 2 + REACH_PX) * small.width + columns // 2 + REACH_PX
    slots = small.slots[before]
    source = np.where(slots >= 0, nearest[slots], before)
    down, across = (
        far - near
        for far, near in zip(
            np.divmod(source, small.width), np.divmod(before, small.width), strict=True
        )
    )
    height, width = level.hole.shape
    rows = np.clip(rows + 2 * down, 0, height - 1)
    columns = np.clip(columns + 2 * across, 0, width - 1)
    found = (rows + REACH_PX) * level.width + columns + REACH_PX
    return np.asarray(_nearest_source(level)[found], np.int64)


def _nearest_source(level: Level) -> Indices:
    """By index of a pixel, the index of the source nearest to it in px; a source is its own."""
    closed = np.where(level.is_source, np.uint8(0), np.uint8(1)).reshape(-1, level.width)
    _, labels = cv2.distanceTransformWithLabels(
        closed, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    by_label = np.zeros(int(labels.max()) + 1, np.int64)
    by_label[labels.ravel()[level.sources]] = level.sources
    return np.asarray(by_label[labels.ravel()], np.int64)


def _copied(level: Level, nearest: Indices) -> Pixels:
    """The filled level, RGB ``uint8 (H, W, 3)``.

    Each pixel of the hole is the middle of its own patch's source; what lies on both sides of a
    join is bent until it meets.
    """
    found = nearest[level.slots[level.inside]]
    copied = level.with_inside(level.flat(level.layers)[found])[..., :_COLOURS]
    hole = level.hole > 0
    source = np.arange(hole.size).reshape(hole.shape)
    rows, columns = (index - REACH_PX for index in np.divmod(found, level.width))
    source[hole] = rows * hole.shape[1] + columns
    met = bend_to_meet(np.ascontiguousarray(copied), hole, source)
    return np.clip(np.rint(met), 0, 255).astype(np.uint8)

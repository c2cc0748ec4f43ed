from __future__ import annotations

import numpy as np
import pytest

from studio.errors import UserInputError
from studio.params import FaceswapParams
from studio.report import Report
from studio.tools.faceswap.choose import choose_swaps
from studio.tools.faceswap.portrait import Portrait
from tests.studio.tools.faceswap.faces import astronaut, make_face
from tests.words import said

SIZES = (0.6, 1.0, 0.8)


def people(*factors: float) -> list[Portrait]:
    me = astronaut()
    return [Portrait(me.pixels, make_face(me.face.mesh * np.float32(f))) for f in factors]


def choose(
    targets: int, sources: int, likenesses: list[float] | None = None, **params: object
) -> tuple[list[tuple[int, int]], Report]:
    report = Report()
    found = people(*SIZES[:targets])
    known = {id(one): likeness for one, likeness in zip(found, likenesses or [], strict=False)}
    likeness = None if likenesses is None else (lambda one: known[id(one)])
    swaps = choose_swaps(
        FaceswapParams.model_validate(params),
        found,
        dict(enumerate(people(*SIZES[:sources]))),
        sources,
        likeness,
        report,
    )
    return [(swap.target, swap.source) for swap in swaps], report


def refusal(targets: int, sources: int, **params: object) -> UserInputError:
    with pytest.raises(UserInputError) as refused:
        choose(targets, sources, **params)  # type: ignore[arg-type]
    return refused.value


@pytest.mark.parametrize(
    ("choice", "targets", "sources", "expected"),
    [
        ("largest", 3, 1, [(1, 0)]),
        ("largest", 3, 3, [(1, 1)]),
        ("left-to-right", 3, 2, [(0, 0), (1, 1)]),
        ("left-to-right", 2, 3, [(0, 0), (1, 1)]),
        ("all", 3, 2, [(0, 0), (1, 0), (2, 0)]),
    ],
)
def test_choose_swaps_by_choice_pairs_faces(
    choice: str, targets: int, sources: int, expected: list[tuple[int, int]]
) -> None:
    assert choose(targets, sources, choice=choice)[0] == expected


def test_choose_swaps_with_a_table_follows_it_and_not_the_choice() -> None:
    swaps, report = choose(3, 2, choice="all", faces=[2, None, 1])

    assert swaps == [(0, 1), (2, 0)]
    assert said(report.notes) == ["Face 2 was not chosen and is left as it was."]


def test_choose_swaps_counts_from_one_in_what_it_says() -> None:
    _, report = choose(1, 3, choice="largest")

    assert said(report.notes) == ["Nothing was done with source 1 and 3."]
    missing = refusal(2, 1, faces=[None, None, None, 1])
    assert missing.code == "faceswap.no_such_face"
    assert "Face 4 was chosen, and 2 faces were found" in str(missing)
    assert [region.label for region in missing.regions] == ["1", "2"]
    assert "Source 3 was chosen for face 1, and 1 source was given" in (
        str(refusal(2, 1, faces=[3]).message)
    )


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"faces": [2]}, "faceswap.no_such_source"),
        ({"faces": [None, None]}, "faceswap.nothing_chosen"),
        ({"faces": []}, "faceswap.nothing_chosen"),
    ],
)
def test_choose_swaps_that_cannot_be_is_refused(params: dict[str, object], code: str) -> None:
    assert refusal(2, 1, **params).code == code


def test_choose_swaps_by_likeness_takes_those_alike_enough() -> None:
    swaps, _ = choose(3, 1, [0.39, 0.4, 0.9], choice="likeness", likeness=0.4)

    assert swaps == [(1, 0), (2, 0)]


def test_choose_swaps_with_nobody_alike_says_how_near_each_face_comes() -> None:
    refused = refusal(3, 1, likenesses=[0.1, 0.3, 0.2], choice="likeness")

    assert refused.code == "faceswap.nobody_alike"
    assert "face 2 with a likeness of 0.30, and 0.40 is asked for" in str(refused)
    assert [str(region.text) for region in refused.regions] == [
        "likeness 0.10",
        "likeness 0.30",
        "likeness 0.20",
    ]

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from skimage import data

from studio.errors import JobCancelledError, ModelUnavailableError, RetriableError, UserInputError
from studio.faces.align import TEMPLATES, align
from studio.faces.face import Eye, Face
from studio.faces.topology import LEFT_EYE, RIGHT_EYE
from studio.imaging.picture import Pixels
from studio.imaging.resample import resample
from studio.models.cache import Model, ModelCache
from studio.models.catalogue import Catalogue, ModelSpec, WeightFile
from studio.models.contracts import StyleContract
from studio.models.weights import WeightStore
from studio.report import Report, Stage
from studio.settings import Settings
from studio.tools.cartoon.styling.heads import draw_heads, read_blend
from studio.tools.cartoon.styling.stylise import stylise
from studio.words import msg
from tests.studio.models.networks import FakeRuntime
from tests.studio.models.tensorflow_graphs import DctNet
from tests.studio.models.weight_factories import make_file, make_model
from tests.studio.tools.stand_ins import ListedModels
from tests.words import said

Answer = Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]
DRAWING = StyleContract(layout="hwc", divide_by=1.0, mean=(0, 0, 0), bytes_per_px=100)
STYLISE = "studio.tools.cartoon.styling.stylise"
SIZES = [(1, 1), (3, 40), (3000, 17), (17, 900), (64, 48)]


def photo(width_px: int = 200, height_px: int = 160) -> Pixels:
    return resample(data.astronaut(), width_px, height_px)


class StyleModels:
    """A cache with one style of named parts, and an upscaler that repeats pixels when it may."""

    def __init__(
        self,
        answer: Answer = lambda fed: 255 - fed,
        *,
        head: Answer | None = None,
        blend: Path | None = None,
        has_upscaler: bool = True,
        **contract: Any,
    ) -> None:
        style = DRAWING.model_copy(update=contract)
        self._style = make_model(
            make_file(), id="style", task="cartoon", tools=("cartoon",), contract=style
        )
        scales = [make_file(f"x{s}.onnx").model_copy(update={"scale": s}) for s in (2, 3, 4)]
        self._upscaler = make_model(*scales, id="realesr-animevideov3")
        self._answers = {None: answer, "background": answer, "head": head}
        self._blend = blend
        self._has_upscaler = has_upscaler
        self.opened: list[Any] = []

    def spec(self, model_id: str) -> ModelSpec:
        return {"style": self._style}.get(model_id, self._upscaler)

    def path(self, model_id: str, part: str) -> Path:
        assert (model_id, part) == ("style", "blend")
        assert self._blend is not None
        return self._blend

    def open(
        self, model_id: str, report: Report, *, scale: int | None = None, part: str | None = None
    ) -> Model:
        if model_id == "style":
            self.opened.append(part)
            answer = self._answers[part]
            return Model(self._style, self._style.files[0], FakeRuntime(answer))
        if not self._has_upscaler:
            raise ModelUnavailableError(msg("It is not installed."), code="model.missing")
        assert scale is not None
        self.opened.append(scale)
        file = next(file for file in self._upscaler.files if file.scale == scale)
        runtime = FakeRuntime(lambda fed: fed.repeat(scale, axis=2).repeat(scale, axis=3))
        return Model(self._upscaler, file, runtime)


def run(models: StyleModels, pixels: Pixels, long_side_px: int | None = None) -> Any:
    report = Report()
    return stylise(pixels, "style", long_side_px, models, report), said(report.notes)


def negative(pixels: Pixels) -> Pixels:
    return 255 - pixels


@pytest.mark.parametrize("size", SIZES)
def test_stylise_draws_every_size_as_it_is(size: tuple[int, int]) -> None:
    drawn, notes = run(StyleModels(), photo(*size))
    assert np.array_equal(drawn, negative(photo(*size)))
    assert notes == []


@pytest.mark.parametrize(("long_side_px", "size"), [(100, (100, 80)), (400, (400, 320))])
def test_stylise_gives_the_long_side_asked_for(long_side_px: int, size: tuple[int, int]) -> None:
    drawn, _ = run(StyleModels(), photo(200, 160), long_side_px)
    assert np.array_equal(drawn, negative(resample(photo(200, 160), *size)))


def test_stylise_beyond_the_networks_size_is_enlarged_and_says_so() -> None:
    models = StyleModels(short_side_px=80)
    drawn, notes = run(models, photo(200, 160))
    expected = negative(resample(photo(200, 160), 100, 80)).repeat(2, 0).repeat(2, 1)
    assert np.array_equal(drawn, expected)
    assert models.opened == [None, 2]
    assert notes == ["Drawn at 100 × 80 px and enlarged to 200 × 160 px by realesr-animevideov3."]


def test_stylise_slightly_beyond_the_networks_size_needs_no_upscaler() -> None:
    models = StyleModels(lambda fed: fed, short_side_px=140)
    drawn, notes = run(models, photo(200, 160))
    assert models.opened == [None]
    assert np.abs(drawn.astype(int) - photo(200, 160)).mean() < 2
    assert notes == ["Drawn at 175 × 140 px and enlarged to 200 × 160 px by interpolation."]


def test_stylise_without_the_upscaler_interpolates_and_says_why() -> None:
    drawn, notes = run(StyleModels(short_side_px=80, has_upscaler=False), photo(200, 160))
    assert drawn.shape == (160, 200, 3)
    assert "by interpolation, as realesr-animevideov3 is not installed" in notes[0]


def test_stylise_without_memory_draws_smaller_and_says_so() -> None:
    def starve(fed: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        if fed.shape[0] * fed.shape[1] > 50_000:
            raise MemoryError
        return fed

    drawn, notes = run(StyleModels(starve), photo(400, 300))
    assert drawn.shape == (300, 400, 3)
    assert notes[0] == "Memory ran out; the picture was drawn smaller."
    assert notes[1].startswith("Drawn at 200 × 150 px and enlarged to 400 × 300 px")


def test_stylise_where_nothing_fits_can_be_tried_later() -> None:
    def starve(fed: Any) -> Any:
        raise MemoryError

    with pytest.raises(RetriableError) as error:
        run(StyleModels(starve), photo(400, 300))
    assert error.value.code == "memory.exhausted"


def test_stylise_by_a_model_for_another_tool_is_refused() -> None:
    with pytest.raises(UserInputError) as refusal:
        stylise(photo(), "realesr-animevideov3", None, ListedModels(), Report())
    assert refusal.value.code == "model.other_tool"


def test_stylise_stops_when_its_owner_asks() -> None:
    def sink(fraction: float, stage: Stage) -> None:
        raise JobCancelledError

    with pytest.raises(JobCancelledError):
        stylise(photo(), "style", None, StyleModels(), Report(sink))


def face_at(x: float, y: float, eye_distance_px: float, *, degrees: float = 0) -> Face:
    """A face whose five points are DCT-Net's template, turned about the middle of the eyes."""
    points = TEMPLATES["dct_net_288"]
    eyes = points[:2].mean(axis=0)
    size = eye_distance_px / np.linalg.norm(points[1] - points[0])
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    placed = (points - eyes) * size @ turn + (x, y)
    mesh = np.zeros((478, 3), np.float32)
    for rows, point in zip(
        (list(RIGHT_EYE), list(LEFT_EYE), [1], [61], [291]), placed, strict=True
    ):
        mesh[rows, :2] = point
    eye = Eye(opening=0.4, iris=np.zeros(2, np.float32), is_open=True)
    return Face((x, y, x + 1, y + 1), 1.0, mesh[:468], 1.0, eye, eye)


@pytest.fixture
def blend(tmp_path: Path) -> Path:
    """A round mask, white in the middle, as alpha.jpg is."""
    mask = np.zeros((320, 320, 3), np.uint8)
    cv2.circle(mask, (160, 160), 120, (255, 255, 255), -1)
    cv2.imwrite(str(tmp_path / "alpha.jpg"), mask)
    return tmp_path / "alpha.jpg"


def portrait_models(blend: Path, **options: Any) -> StyleModels:
    green = np.array((0, 200, 0), np.float32)
    return StyleModels(
        lambda fed: np.zeros_like(fed) + 50,
        head=lambda fed: np.zeros_like(fed) + green,
        blend=blend,
        head_side_px=288,
        **options,
    )


def test_stylise_by_a_portrait_style_draws_every_head_by_itself(
    monkeypatch: pytest.MonkeyPatch, blend: Path
) -> None:
    faces = [face_at(80, 100, 30), face_at(300, 120, 40, degrees=30)]
    monkeypatch.setattr(f"{STYLISE}.find_faces", lambda *_: faces)
    models = portrait_models(blend)

    drawn, _ = run(models, photo(400, 300))

    assert models.opened == ["background", "head"]
    for face in faces:
        middle = cv2.invertAffineTransform(align(face, "dct_net_288", 288)) @ (144, 144, 1)
        assert drawn[int(middle[1]), int(middle[0])].tolist() == [0, 200, 0]
    assert drawn[5, 200].tolist() == [50, 50, 50], "away from heads only the background is drawn"
    share = np.all(drawn == (0, 200, 0), axis=2).mean()
    assert 0.1 < share < 0.6


def test_stylise_by_a_portrait_style_without_a_face_draws_the_background_at_full_size(
    monkeypatch: pytest.MonkeyPatch, blend: Path
) -> None:
    monkeypatch.setattr(f"{STYLISE}.find_faces", lambda *_: [])
    models = portrait_models(blend, short_side_px=100)

    drawn, notes = run(models, photo(400, 300))

    assert drawn.shape == (300, 400, 3)
    assert np.all(drawn == 50)
    assert notes[-1] == "No face was found, so the whole picture was drawn as background."


def test_draw_heads_feeds_the_head_where_the_template_wants_it(blend: Path) -> None:
    pixels = photo(512, 512)
    face = face_at(220, 110, 60)
    seen: list[np.ndarray[Any, Any]] = []
    models = portrait_models(blend)
    models._answers["head"] = lambda fed: seen.append(fed) or fed
    head = models.open("style", Report(), part="head")

    drawn = draw_heads(pixels, pixels, [face], head, read_blend(blend, 288), models, Report())

    affine = align(face, "dct_net_288", 288)
    expected = cv2.warpAffine(pixels, affine, (288, 288), borderValue=(255, 255, 255))
    assert np.array_equal(seen[0], expected)
    # Drawn as it was, the head must land where it came from, softened by two interpolations.
    assert np.abs(drawn.astype(int) - pixels).mean() < 1


def test_draw_heads_larger_than_the_crop_are_enlarged_sharp(blend: Path) -> None:
    pixels = photo(1200, 1200)
    models = portrait_models(blend)
    models._answers["head"] = lambda fed: fed
    head = models.open("style", Report(), part="head")
    face = face_at(500, 300, 150)

    drawn = draw_heads(pixels, pixels, [face], head, read_blend(blend, 288), models, Report())

    assert 3 in models.opened, "150 px between eyes is more than twice the template's 68"
    assert np.abs(drawn.astype(int) - pixels).mean() < 4


def test_stylise_by_a_portrait_style_whose_head_does_not_fit_can_be_tried_later(
    monkeypatch: pytest.MonkeyPatch, blend: Path
) -> None:
    def starve(fed: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(f"{STYLISE}.find_faces", lambda *_: [face_at(80, 60, 30)])
    models = portrait_models(blend)
    models._answers["head"] = starve

    with pytest.raises(RetriableError) as error:
        run(models, photo(400, 300))
    assert error.value.code == "memory.exhausted"


@pytest.mark.parametrize("place", [(-300, 50), (0, 0), (399, 299), (2000, 2000)])
def test_draw_heads_at_and_beyond_the_border(blend: Path, place: tuple[int, int]) -> None:
    pixels, models = photo(400, 300), portrait_models(blend)
    head = models.open("style", Report(), part="head")
    drawn = draw_heads(
        pixels, pixels, [face_at(*place, 60)], head, read_blend(blend, 288), models, Report()
    )
    assert drawn.shape == pixels.shape
    assert np.array_equal(drawn[150, 200], pixels[150, 200])


def test_read_blend_of_a_file_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "alpha.jpg").write_text("no picture", encoding="utf-8")
    with pytest.raises(ModelUnavailableError, match=r"alpha\.jpg") as refusal:
        read_blend(tmp_path / "alpha.jpg", 288)
    assert refusal.value.code == "model.unreadable"


@pytest.mark.parametrize("names", ["cartoon_{}.pb", "cartoon_anime_{}.pb"])
def test_portrait_style_from_published_files_to_the_drawing(
    tmp_path: Path, blend: Path, monkeypatch: pytest.MonkeyPatch, names: str
) -> None:
    """Imported under either name, converted, opened by part, drawn twice alike."""
    monkeypatch.setattr(f"{STYLISE}.find_faces", lambda *_: [face_at(80, 60, 30)])
    files = []
    for part, kind, seed in (("background", "bg", 1), ("head", "h", 2)):
        name = names.format(kind)
        DctNet(seed=seed).write(tmp_path / name)
        material = make_file(name, (tmp_path / name).read_bytes())
        files += [
            WeightFile(
                name=f"{part}.onnx",
                part=part,
                conversion="tensorflow-to-onnx",
                made_from=(name,),
            ),
            material.model_copy(update={"scale": None}),
        ]
    mask = make_file("alpha.jpg", blend.read_bytes())
    files.append(mask.model_copy(update={"scale": None, "part": "blend"}))
    contract = StyleContract(
        layout="hwc",
        colour="bgr",
        divide_by=1.0,
        mean=(0, 0, 0),
        multiple=16,
        padding="white",
        head_side_px=288,
    )
    spec = make_model(
        *files, id="dct", task="cartoon", tools=("cartoon",), contract=contract, format="onnx"
    )
    store = WeightStore(tmp_path / "weights", Catalogue((spec,)))
    for name in (names.format("bg"), names.format("h"), "alpha.jpg"):
        store.import_file(tmp_path / name)
    cache = ModelCache(store, Settings(device="cpu", threads=1))
    report = Report()

    once, again = (stylise(photo(), "dct", None, cache, report) for _ in range(2))

    assert np.array_equal(once, again)
    assert once.shape == (160, 200, 3)
    assert once.std() > 5
    assert [use.sha256 for use in report.weights] == [
        store.digest("dct", "background.onnx"),
        store.digest("dct", "head.onnx"),
    ]
    assert not (tmp_path / "weights" / "dct" / names.format("h")).exists(), "made of, then dropped"
